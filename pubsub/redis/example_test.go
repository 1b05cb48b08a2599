package redis_test

import (
	"context"
	"errors"
	"log"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

func ExampleNew() {
	broker, err := redis.New("redis+sentinel://gateway:secret@10.0.0.1,10.0.0.2/events", redis.Options{Node: "gateway-1"})
	if err != nil {
		log.Fatal(err) // the URL is wrong; a Redis that is away is no error
	}
	defer func() { _ = broker.Close() }()
	err = broker.Publish(context.Background(), "price.42", []byte(`{"amount":"9.90"}`))
	if errors.Is(err, pubsub.ErrUnavailable) {
		log.Print(broker.Health().Reason)
	}
}
