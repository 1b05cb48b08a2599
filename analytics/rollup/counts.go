package rollup

import (
	"github.com/sluice-gateway/sluice/analytics"
)

// Counts are what operations have had in a time.
type Counts struct {
	Started         int64                  `json:"started"` // operations
	Ended           int64                  `json:"ended"`
	Refused         int64                  `json:"refused"` // not begun: they are none of Started
	Events          int64                  `json:"events"`  // handed to clients' outboxes
	Bytes           int64                  `json:"bytes"`   // of them
	Failed          int64                  `json:"failed"`  // of Events, those with errors
	Dropped         [analytics.Drops]int64 `json:"dropped"` // by analytics.Drop
	ConnectedMillis int64                  `json:"connected_ms"`
}

// Plus is the sum of two counts.
func (c Counts) Plus(o Counts) Counts {
	c.Started += o.Started
	c.Ended += o.Ended
	c.Refused += o.Refused
	c.Events += o.Events
	c.Bytes += o.Bytes
	c.Failed += o.Failed
	c.ConnectedMillis += o.ConnectedMillis
	for i := range c.Dropped {
		c.Dropped[i] += o.Dropped[i]
	}
	return c
}

// Drops is how many events were dropped, for whatever reason.
func (c Counts) Drops() int64 {
	sum := int64(0)
	for _, n := range c.Dropped {
		sum += n
	}
	return sum
}

// since takes what is new of a series' counts, and has told know of it.
func since(told *analytics.Counts, now analytics.Counts) (Counts, map[string]int64) {
	c := Counts{
		Started: rise(&told.Started, now.Started),
		Ended:   rise(&told.Ended, now.Ended),
		Refused: rise(&told.Refused, now.Refused),
		Events:  rise(&told.Events, now.Events),
		Bytes:   rise(&told.Bytes, now.Bytes),
		Failed:  rise(&told.Failed, now.Failed),
	}
	for i := range c.Dropped {
		c.Dropped[i] = rise(&told.Dropped[i], now.Dropped[i])
	}
	c.ConnectedMillis = max(0, now.ConnectedMillis-told.ConnectedMillis)
	told.ConnectedMillis += c.ConnectedMillis
	var endings map[string]int64
	for code, n := range now.Endings {
		if fresh := int64(n - told.Endings[code]); fresh > 0 {
			if endings == nil {
				endings = make(map[string]int64)
			}
			endings[clean(code)] += fresh
		}
	}
	told.Endings = now.Endings
	return c, endings
}

// rise is how much a count has risen. One that falls has not: what it says counts when it is above again.
func rise(told *uint64, now uint64) int64 {
	if now <= *told {
		return 0
	}
	fresh := now - *told
	*told = now
	return int64(fresh)
}
