//go:build linux

package gateway_test

import "testing"

func TestOneStalledReaderAndManyThatRead(t *testing.T) {
	const readers, events = 100, 600
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			c := gather(t, readers, 0, p.query)
			for range 2 { // the second time with what the first has left behind
				c.stall()
				for c.missed() < events {
					// Never two of a room at a time: the older would give way, for everybody.
					for range rooms {
						c.publish()
					}
					c.catchUp()
					if c.missed() <= waitByDefault && c.gateway.Stats().Members != readers {
						t.Fatalf("a session has ended with %d events", c.missed())
					}
				}
				c.goOn(p)
			}
		})
	}
}
