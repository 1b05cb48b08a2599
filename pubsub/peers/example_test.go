package peers_test

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/pubsub/peers"
)

// A node that is alone answers itself. Others that are present would be asked as well.
func Example() {
	broker := memory.New()
	defer func() { _ = broker.Close() }()
	node, err := peers.New(broker, peers.Options{
		Node: "gateway-1",
		Handlers: map[string]peers.Handler{
			"sessions": func(context.Context, []byte) ([]byte, error) { return []byte(`{"open":3}`), nil },
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = node.Close() }()
	answers, err := node.Ask(context.Background(), "sessions", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range answers {
		fmt.Printf("%s: %s %v\n", a.Node, a.Body, a.Err)
	}
	// Output: gateway-1: {"open":3} <nil>
}
