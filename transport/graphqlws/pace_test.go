package graphqlws_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/operation"
)

const flooded = "close 1008 Policy violation: too many messages"

func TestFloodsEndTheSession(t *testing.T) {
	for _, tt := range []struct {
		name, limit string
		most        int // how many it stands
		send        func(c *caller, i int)
	}{
		{"subscribes", "message-rate", 400, func(c *caller, i int) { c.say(subscribeTo(i)) }},
		{"subscribes and completes, which count where nothing runs", "message-rate", 300, func(c *caller, i int) { c.say(subscribeTo(i)); c.say(completeOf(i)) }},
		{"completes of nothing", "message-rate", 400, func(c *caller, i int) { c.say(completeOf(i)) }},
		{"pings", "ping-rate", 20, func(c *caller, _ int) { c.say(`{"type":"ping"}`) }},
		{"pongs", "ping-rate", 20, func(c *caller, _ int) { c.say(`{"type":"pong"}`) }},
		{"renewals", "ping-rate", 20, func(c *caller, _ int) { c.say(`{"type":"ping","payload":{"authorization":"x"}}`) }},
		{"pings of the WebSocket", "ping-rate", 20, func(c *caller, _ int) { c.control(websocket.PingMessage) }},
		{"pongs of the WebSocket", "ping-rate", 20, func(c *caller, _ int) { c.control(websocket.PongMessage) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(b bubble) {
				quiet, loud := b.open(), b.open()
				quiet.say(subscribeTo(1))
				loud.say(subscribeTo(0)) // takes part in what is counted, but for pings
				for i := 1; i < tt.most; i++ {
					tt.send(loud, i)
					synctest.Wait()
				}
				if tt.limit == "ping-rate" {
					tt.send(loud, 0)
				}
				for _, text := range loud.heard() {
					if strings.HasPrefix(text, "close") {
						t.Fatalf("it is closed after %d: %s", tt.most, text)
					}
				}
				for i := range 100 {
					tt.send(loud, tt.most+i)
				}
				synctest.Wait()
				if all := loud.heard(); len(all) == 0 || all[len(all)-1] != flooded {
					t.Errorf("it heard %v", all)
				}
				if got := b.Sessions.Endings()["RATE_LIMITED"]; got != 1 || b.Sessions.Len() != 1 {
					t.Errorf("%d sessions were ended, %d are left", got, b.Sessions.Len())
				}
				b.Publish(7, "")
				if got := quiet.hear(); !strings.Contains(got, `"revision":7`) {
					t.Errorf("the other session heard %s", got)
				}
			})
		})
	}
}

func TestAFloodOfPingsIsNotedOnce(t *testing.T) {
	inBubble(t, func(b bubble) {
		c := b.open()
		for range 500 {
			c.control(websocket.PingMessage)
		}
		b.noted("ping-rate", 1)
		time.Sleep(time.Minute)
		if b.Sessions.Len() != 0 {
			t.Error("the session is still there")
		}
	})
}

func TestPingsAtTheirRatePass(t *testing.T) {
	inBubble(t, func(b bubble) {
		c := b.open()
		for range 600 { // and our own are answered besides
			c.say(`{"type":"ping"}`)
			time.Sleep(time.Second / 9)
		}
		if got := c.heard(); got != nil {
			t.Errorf("it heard %v", got)
		}
		b.noted("ping-rate", 0)
	})
}

func TestSubscribesThatComeTooFastAreRefusedOneByOne(t *testing.T) {
	inBubble(t, func(b bubble) {
		c := b.open()
		id := 0
		for ; id < 200; id++ {
			c.say(subscribeTo(id))
			synctest.Wait()
			c.say(completeOf(id))
		}
		if all := c.heard(); all != nil {
			t.Fatalf("the first 200 heard %v", all)
		}
		for range 2 {
			c.say(subscribeTo(id))
			got, errs := c.refusal(c.hear())
			ms, _ := errs[0].Extensions["retryAfterMs"].(float64)
			if got != fmt.Sprint(id) || operation.Code(errs) != operation.CodeRateLimited || ms != 20 {
				t.Fatalf("operation %s was refused by %v", got, errs)
			}
			id++
			time.Sleep(time.Duration(ms) * time.Millisecond)
			c.say(subscribeTo(id))
			synctest.Wait()
			if all, members := c.heard(), b.Engine.Stats().Members; all != nil || members != 1 {
				t.Fatalf("after the wait it heard %v, and %d operations run", all, members)
			}
			c.say(completeOf(id))
			id++
		}
		b.noted("message-rate", 2)
		if got := b.Sessions.Endings(); len(got) != 0 {
			t.Errorf("sessions were ended: %v", got)
		}
	})
}

func TestOneOperationTooManyIsRefusedAlone(t *testing.T) {
	inBubble(t, func(b bubble) {
		c := b.open()
		for id := range 101 {
			c.say(subscribeTo(id))
		}
		all := c.heard()
		if len(all) != 1 {
			t.Fatalf("it heard %v", all)
		}
		if id, errs := c.refusal(all[0]); id != "100" || operation.Code(errs) != operation.CodeSubscriptionCap {
			t.Errorf("operation %s was refused by %v", id, errs)
		}
		b.noted("max-operations", 1)
		for id := range 150 { // too fast by now, and still too many in the first place
			c.say(subscribeTo(1000 + id))
		}
		for _, text := range c.heard() {
			if id, errs := c.refusal(text); operation.Code(errs) != operation.CodeSubscriptionCap {
				t.Errorf("operation %s was refused by %v", id, errs)
			}
		}
		if got := b.Engine.Stats().Members; got != 100 {
			t.Errorf("%d operations run", got)
		}
	})
}

func TestAMessageThatIsTooLargeIsNoted(t *testing.T) {
	inBubble(t, func(b bubble) {
		c := b.open()
		c.say(strings.Repeat("x", 128<<10+1))
		if got := c.hear(); got != "close 1009 Message too big" {
			t.Errorf("it heard %s", got)
		}
		b.noted("max-message", 1)
	})
}
