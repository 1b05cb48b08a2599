package redis_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sluice-gateway/sluice/internal/redistest"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
)

// Starting a cluster takes seconds, so what does not disturb the others shares one.
func TestCluster(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	t.Run("a topic follows its slot to another master", func(t *testing.T) {
		b := open(t, cluster.URL(), quick)
		UntilUp(t, b)
		exact, pattern := subscribeBoth(t, b)
		for i, channel := range []string{"price.42", "price.*", "price.42"} {
			cluster.Move(channel, (cluster.Owner(channel)+1)%3)
			mark := fmt.Sprint(i)
			Until(t, func() error { // events are lost while the topic moves
				Publish(t, b, "price.42", mark)
				if !exact.Has(mark) || !pattern.Has(mark) {
					return errors.New("not delivered after the slot moved")
				}
				return nil
			})
		}
		if h := b.Health(); h.Reconnects > 1 { // one, should a probe's slot have moved
			t.Errorf("health = %+v: moving a slot cost connections", h)
		}
	})
	t.Run("other services publish to the topic and to its pattern", func(t *testing.T) {
		b := open(t, cluster.URL(), quick)
		UntilUp(t, b)
		exact, pattern := subscribeBoth(t, b)
		cluster.Masters[cluster.Owner("price.42")].Do("SPUBLISH", "price.42", "1")
		of := cluster.Masters[cluster.Owner("price.*")]
		of.Do("SPUBLISH", "price.*", "without its topic")
		of.Do("SPUBLISH", "price.*", "price.42 1 2")
		exact.Await(t, 1)
		if e := pattern.Await(t, 1)[0]; e.Topic != "price.42" || string(e.Payload) != "1 2" {
			t.Errorf("event = %q %q", e.Topic, e.Payload)
		}
	})
	t.Run("a master that was killed and restarted serves its topics again", func(t *testing.T) {
		b := open(t, cluster.URL(), quick)
		UntilUp(t, b)
		exact, _ := subscribeBoth(t, b)
		owner := cluster.Masters[cluster.Owner("price.42")]
		owner.Kill()
		untilDown(t, b)
		owner.Restart()
		UntilUp(t, b)
		Until(t, func() error {
			if err := b.Publish(t.Context(), "price.42", []byte("after")); err != nil {
				return err
			}
			if !exact.Has("after") {
				return errors.New("not delivered")
			}
			return nil
		})
	})
}
