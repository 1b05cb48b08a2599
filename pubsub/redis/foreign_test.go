package redis_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
)

// Another service runs the very script.
func TestOthersPublishWithTheScript(t *testing.T) {
	server := redistest.Start(t)
	script, err := os.ReadFile("publish.lua")
	if err != nil {
		t.Fatal(err)
	}
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "1")
	key := "sluice:log:{" + l.topic + "}"
	for range 2 { // the second does nothing: it is the newest event already
		at := server.Do("EVAL", string(script), "2", key+":at", key, "PUBLISH", l.topic, "00112233445566778899aabb", "5f2b", "1000", "600000", "\n{}")
		if p, ok := pubsub.ParsePosition(at); !ok || p.Offset != 2 || p.Epoch != l.at[0].Epoch {
			t.Errorf("it stands at %s", at)
		}
	}
	l.check()
	if e := l.received[1].Events()[1]; string(e.Payload) != "{}" || !e.Published.IsZero() || l.received[1].Events()[2].Position.Offset != 3 {
		t.Errorf("received %q, published %v", e.Payload, e.Published)
	}
}

func TestAPlainPublishIsDeliveredAndCounted(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "1")
	server.Do("PUBLISH", l.topic, "plain")
	Publish(t, l.nodes[0], l.topic, "2")
	for i, r := range l.received {
		if events := r.Await(t, 3); string(events[1].Payload) != "plain" || !events[1].Position.IsZero() || events[2].Position.Offset != 2 {
			t.Errorf("received %q", r.Payloads())
		}
		if n := l.nodes[i].Unretained(); n != 1 {
			t.Errorf("%d were counted", n)
		}
	}
}

// Whoever may publish may write any position. Nobody is misled by it in silence.
func TestAPositionThatSomebodyMakesUpDoesNoHarm(t *testing.T) {
	const id = "00112233445566778899aabb"
	for name, offset := range map[string]string{
		"far ahead": "-1000-" + id, "the next but one": "-4-" + id, "the latest": "-2-" + id, "an old one": "-1-" + id,
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			l := newTrial(t, server.URL())
			Publish(t, l.nodes[0], l.topic, "1")
			Publish(t, l.nodes[0], l.topic, "2")
			server.Do("PUBLISH", l.topic, fmt.Sprintf("~1 p=%x%s\nmade up", l.at[0].Epoch, offset))
			server.Do("PUBLISH", l.topic, fmt.Sprintf("~1 p=%x%s\nmade up", l.at[0].Epoch^1, offset))
			l.check()
			if l.received[0].Has("made up") {
				t.Error("it was received")
			}
		})
	}
	t.Run("the next", func(t *testing.T) {
		server := redistest.Start(t)
		l := newTrial(t, server.URL())
		server.Do("PUBLISH", l.topic, fmt.Sprintf("~1 p=%x-1-%s\nmade up", l.at[0].Epoch, id))
		Publish(t, l.nodes[0], l.topic, "1")
		l.awaitGap()
	})
	t.Run("on an ephemeral topic", func(t *testing.T) {
		server := redistest.Start(t)
		b := open(t, server.URL(), kept)
		UntilUp(t, b)
		var r Recorder
		Subscribe(t, b, "price.42", &r)
		server.Do("PUBLISH", "price.42", "~1 p=5f2b-1-"+id+"\n{}")
		if e := r.Await(t, 1)[0]; !e.Position.IsZero() || string(e.Payload) != "{}" {
			t.Errorf("it has position %v", e.Position)
		}
	})
}

func TestAMissedMessageIsFetched(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "1")
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	script, err := os.ReadFile("publish.lua")
	if err != nil {
		t.Fatal(err)
	}
	key := "sluice:log:{" + l.topic + "}"
	if err := client.Eval(t.Context(), string(script), []string{key + ":at", key}, "PUBLISH", "elsewhere", strings.Repeat("ab", 12), "1", 1000, 60000, "\nmissed").Err(); err != nil {
		t.Fatal(err)
	}
	l.check()
	if !l.received[0].Has("missed") || !l.received[1].Has("missed") {
		t.Error("it was not fetched")
	}
}
