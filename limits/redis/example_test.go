package redis_test

import (
	"context"
	"log"
	"time"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/redis"
)

func ExampleNew() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	counter, err := redis.New("redis+sentinel://gateway:secret@10.0.0.1,10.0.0.2/events", redis.Options{Node: "gateway-1", Location: berlin})
	if err != nil {
		log.Fatal(err) // the URL is wrong; a Redis that is away is no error
	}
	defer func() { _ = counter.Close() }()
	book := limits.NewBook(counter, limits.Options{Node: "gateway-1"})
	defer func() { _ = book.Close(context.Background()) }()
}
