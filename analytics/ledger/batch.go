package ledger

import (
	"cmp"
	"crypto/rand"
	"slices"
	"time"
)

// An Entry is the usage of a key in one hour.
type Entry struct {
	Key
	Hour time.Time `json:"hour"` // its begin, in UTC
	Usage
}

// compare orders entries by hour, then by key: the order of every list.
func (e Entry) compare(other Entry) int {
	return cmp.Or(e.Hour.Compare(other.Hour), cmp.Compare(e.Issuer, other.Issuer), cmp.Compare(e.Consumer, other.Consumer),
		cmp.Compare(e.Plan, other.Plan), cmp.Compare(e.Field, other.Field))
}

// A Batch is what a node adds to the ledger at one time. It is never changed once made.
type Batch struct {
	ID       string    `json:"id"`       // of this batch and no other: the same one counts once
	Node     string    `json:"node"`     // one process, from its start to its end
	Sequence int64     `json:"sequence"` // of the node's batches, from 1
	At       time.Time `json:"at"`       // when it was made, in milliseconds; not before any of its hours
	Entries  []Entry   `json:"entries"`  // each key and hour once, in order
}

// batchEntries is how many entries a batch has at most: it is one transaction, and one event of the webhook.
const batchEntries = 500

// A place is where usage is added up.
type place struct {
	key  Key
	hour time.Time
}

func hourOf(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// cut makes batches of what was added up.
func (l *Ledger) cut(open map[place]Usage) []*Batch {
	fitting := make(map[place]Usage, len(open))
	for at, u := range open {
		at.key = at.key.fit()
		fitting[at] = fitting[at].Plus(u)
	}
	entries := make([]Entry, 0, len(fitting))
	for at, u := range fitting {
		if u != (Usage{}) {
			entries = append(entries, Entry{Key: at.key, Hour: at.hour, Usage: u})
		}
	}
	slices.SortFunc(entries, Entry.compare)
	var made []*Batch
	for part := range slices.Chunk(entries, batchEntries) {
		l.sequence++
		at := time.Now().UTC().Truncate(time.Millisecond)
		if latest := part[len(part)-1].Hour; at.Before(latest) { // the clock went back
			at = latest
		}
		made = append(made, &Batch{ID: rand.Text(), Node: l.options.Node, Sequence: l.sequence, At: at, Entries: part})
	}
	return made
}
