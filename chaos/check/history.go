// Package check says whether what subscribers of replayable topics received is what was published: every
// acknowledged event once and in order, or a gap that each of them was told of.
//
// It takes a History, which is plain data, and returns findings, which are too. It does no I/O, starts no
// goroutine, and knows neither Redis nor GraphQL; Run may be called concurrently.
package check

import (
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A History is all that is known about a run.
type History struct {
	Published []Publish // in the order of each lane
	Clients   []Client
	Streams   []Stream // the logs as they were at the end; topics without one are not compared with theirs
	Usage     []Usage  // what was counted for clients; those without one are not compared with theirs
}

// An ID is an event as its publisher knows it: the number of one lane. A lane is one publisher's part of
// one topic: it publishes a number when the one before is acknowledged. Lanes of a topic are concurrent.
type ID struct{ Lane, Number int }

// A Publish is one event, however often it was sent until it was acknowledged.
type Publish struct {
	ID
	Topic        string
	Acknowledged bool // otherwise nobody knows: it is there for all, or for nobody
	Tries        int  // how often it was sent
	// Closing says that every client which stayed was subscribed before it was sent: no gap excuses its loss.
	Closing bool
	At      time.Time // when it was acknowledged, or last tried
}

// A Client is one application with a subscription to one topic.
type Client struct {
	Name, Topic string
	Transport   string  // what it connects by, for reports
	Entries     []Entry // as they happened
	Stayed      bool    // it was subscribed at the end, so what it misses there is lost
}

// A Kind says what an entry is.
type Kind int

// The kinds of entries.
const (
	Began    Kind = iota // it subscribed before anything was published
	Joined               // it subscribed without a cursor: its events begin with the next
	Resumed              // it subscribed with its cursor: its events go on
	Gapped               // it was told that events are lost to it
	Received             // an event
)

// An Entry is one thing that happened to a client.
type Entry struct {
	Kind     Kind
	ID                       // of an event
	Position pubsub.Position // of an event; zero: it came without a cursor
	At       time.Time
}

// A Stream is the log of a topic, the oldest event first.
type Stream struct {
	Topic  string
	Events []Entry // of the kind Received
	Kept   int     // how many events a log keeps; 0: nobody knows
}

// A Usage is how many results were counted as delivered to a client.
type Usage struct {
	Client    string
	Delivered int
	Unread    int // how many of these may never have arrived, because connections were cut
}
