package check

import "fmt"

// Run compares all that is known. No finding means that everything was as promised.
func Run(h History) []Finding {
	r := &run{topics: make(map[string]*topic)}
	for i := range h.Published {
		r.publish(&h.Published[i])
	}
	for _, s := range h.Streams {
		r.topic(s.Topic).read(s.Events)
		r.placeAll(s.Topic, "", s.Events)
	}
	for i := range h.Clients {
		r.placeAll(h.Clients[i].Topic, h.Clients[i].Name, h.Clients[i].Entries)
	}
	received := make(map[string]int)
	for i := range h.Clients {
		c := &h.Clients[i]
		if _, twice := received[c.Name]; twice {
			r.find(Finding{Kind: Invented, Client: c.Name, Topic: c.Topic, Detail: "there are two clients with this name"})
		}
		received[c.Name] = r.walk(c)
	}
	for i := range h.Streams {
		r.stream(&h.Streams[i])
	}
	r.usage(h.Usage, received)
	return r.found
}

// A run is one comparison.
type run struct {
	topics map[string]*topic
	found  []Finding
}

// A topic is what is known of it from everybody.
type topic struct {
	name   string
	lanes  map[int]*lane
	at     map[place]ID   // whose each place is
	places map[ID][]place // where each event is
	gapped bool           // somebody was told of a gap
	log    map[ID]place   // where events are in the log; nil: nobody knows
}

// A lane is what one publisher published to a topic, by ascending numbers.
type lane struct {
	all    []*Publish
	number map[int]*Publish
	seen   map[int]bool // somebody received it, or a stream has it
}

func (r *run) find(f Finding) { r.found = append(r.found, f) }

func (r *run) topic(name string) *topic {
	t := r.topics[name]
	if t == nil {
		t = &topic{name: name, lanes: make(map[int]*lane), at: make(map[place]ID), places: make(map[ID][]place)}
		r.topics[name] = t
	}
	return t
}

func (r *run) publish(p *Publish) {
	t := r.topic(p.Topic)
	l := t.lanes[p.Lane]
	if l == nil {
		l = &lane{number: make(map[int]*Publish), seen: make(map[int]bool)}
		t.lanes[p.Lane] = l
	}
	fault := Finding{Topic: p.Topic, ID: p.ID, At: p.At}
	switch last := len(l.all) - 1; {
	case l.number[p.Number] != nil:
		fault.Kind, fault.Detail = Duplicated, "stands twice in the publishers' log"
	case last >= 0 && l.all[last].Number > p.Number:
		fault.Kind, fault.Detail = Reordered, fmt.Sprintf("stands after %d in the publishers' log", l.all[last].Number)
	case p.Number < 1:
		fault.Kind, fault.Detail = Invented, "numbers begin with 1"
	default:
		l.all = append(l.all, p)
		l.number[p.Number] = p
		return
	}
	r.find(fault)
}

// published returns what the publisher of an event says of it, or nil.
func (t *topic) published(id ID) *Publish {
	if l := t.lanes[id.Lane]; l != nil {
		return l.number[id.Number]
	}
	return nil
}

// retried reports whether an event may be there again after a gap: the first of it was lost with the
// broker's memory of it, and its publisher, never answered, sent it once more.
func (t *topic) retried(id ID) bool {
	p := t.published(id)
	return p != nil && p.Tries > 1 && t.gapped
}

// between returns those that must be there after one number of a lane and before another; 0: to the end.
func (l *lane) between(after, before int) []*Publish {
	var due []*Publish
	for _, p := range l.all {
		if p.Number > after && (before == 0 || p.Number < before) && (p.Acknowledged || l.seen[p.Number]) {
			due = append(due, p)
		}
	}
	return due
}
