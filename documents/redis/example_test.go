package redis_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/documents/redis"
)

func ExampleNew() {
	store, err := redis.New("redis+sentinel://gateway:secret@10.0.0.1,10.0.0.2/events", redis.Options{Node: "gateway-1"})
	if err != nil {
		log.Fatal(err) // the URL is wrong; a Redis that is away is no error
	}
	defer func() { _ = store.Close() }()
	text, ok, err := store.Get(context.Background(), documents.Hash("{ product { name } }"))
	if err != nil {
		log.Print(err) // and go on as if it were unknown
	}
	fmt.Println(text, ok)
}
