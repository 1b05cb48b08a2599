package memory_test

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// A printer receives by printing. Whatever takes longer puts the event into a queue instead.
type printer struct{}

func (printer) Receive(e *pubsub.Event) { fmt.Printf("%s: %s\n", e.Topic, e.Payload) }

func Example() {
	ctx := context.Background()
	broker := memory.New()
	defer func() { _ = broker.Close() }()
	subscription, err := broker.Subscribe(ctx, "price.*", printer{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer subscription.Close()
	if err := broker.Publish(ctx, "price.42", []byte(`{"amount":"9.90"}`)); err != nil {
		fmt.Println(err)
	}
	// Output: price.42: {"amount":"9.90"}
}
