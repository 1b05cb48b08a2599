package share

import (
	"slices"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A Place is where somebody stands in the logs of a subscription's topics, in their order.
type Place []pubsub.Position

// moved is the place after an event of a topic.
func (p Place) moved(topic int, to pubsub.Position) Place {
	p = slices.Clone(p)
	p[topic] = to
	return p
}

// reaches reports whether a place is at another or after it, as far as the two tell: what they do not
// tell shows in the log.
func (p Place) reaches(other Place) bool {
	for i, at := range p {
		o := other[i]
		if at.Epoch != o.Epoch || at.Offset < o.Offset || at.Offset == o.Offset && at.ID != o.ID {
			return false
		}
	}
	return true
}

// has reports whether what stands at a place has an event.
func (p Place) has(topic int, e pubsub.Position) bool {
	return e.Epoch == p[topic].Epoch && e.Offset <= p[topic].Offset
}

// with is a place that has what two places of one log have.
func (p Place) with(other Place) Place {
	for i, o := range other {
		if o.Epoch == p[i].Epoch && o.Offset > p[i].Offset {
			p = p.moved(i, o)
		}
	}
	return p
}
