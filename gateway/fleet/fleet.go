// Package fleet is what the nodes of one gateway tell each other: how they are, and which operations run.
//
// A node announces its State every few seconds, and answers what others ask. Whoever may publish on the
// broker's own topics can pretend to be a node: they are the gateway's alone. A Fleet is safe for
// concurrent use; Close ends its goroutines.
package fleet

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/peers"
)

// Options are what Join needs to know of this node.
type Options struct {
	Node     string              // its name among the others: up to 64 letters, digits, _ and -
	State    func() State        // how it is; called every few seconds
	Recorder *analytics.Recorder // knows what runs here
	Log      *slog.Logger
}

// timeout is how long other nodes may take to answer.
const timeout = time.Second

// A Fleet is this node among the others.
type Fleet struct {
	peers    *peers.Node
	recorder *analytics.Recorder
}

// Join makes this node one of those on a broker. The error is about its name.
func Join(broker pubsub.Broker, o Options) (*Fleet, error) {
	f := &Fleet{recorder: o.Recorder}
	var err error
	f.peers, err = peers.New(broker, peers.Options{
		Node: o.Node, Timeout: timeout, Handlers: f.handlers(), Log: o.Log,
		State: func() []byte {
			text, _ := json.Marshal(o.State()) // of what can be encoded
			return text
		},
	})
	return f, err
}

// Stats are the counts of what nodes have asked and told.
func (f *Fleet) Stats() peers.Stats { return f.peers.Stats() }

// Close tells the others that this node leaves.
func (f *Fleet) Close() error { return f.peers.Close() }
