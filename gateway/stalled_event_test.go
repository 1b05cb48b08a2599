package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// rooms is how many rooms the events go round that somebody is too slow for.
const rooms = 10

// padding makes an event of about 1 KiB.
var padding = strings.Repeat("x", 960)

// sayNumber publishes the event of a number, in its room, with the time.
func sayNumber(tb testing.TB, broker pubsub.Broker, number int) {
	tb.Helper()
	room := number % rooms
	event := fmt.Appendf(nil, `{"room":"%d","text":"%d %d %s"}`, room, number, time.Now().UnixNano(), padding)
	if err := broker.Publish(context.Background(), fmt.Sprint("room.", room), event); err != nil {
		tb.Fatal(err)
	}
}

// An arrival is such an event as its reader has it.
type arrival struct {
	number  int
	sent    int64 // when it was published, Unix nanoseconds
	dropped int   // how many events it says were lost before
}

// parseArrival reads a message of the server; it reports false for one that is no event.
func parseArrival(message []byte) (a arrival, ok bool) {
	_, text, ok := bytes.Cut(message, []byte(`"text":"`))
	if !ok {
		return a, false
	}
	number, text := cutNumber(text)
	sent, _ := cutNumber(text)
	end := message[max(0, len(message)-64):] // extensions come last
	if _, told, found := bytes.Cut(end, []byte(`"dropped":`)); found {
		dropped, _ := cutNumber(told)
		a.dropped = int(dropped)
	}
	a.number, a.sent = int(number), sent
	return a, true
}

// cutNumber reads a number and passes over the byte behind it.
func cutNumber(b []byte) (n int64, rest []byte) {
	for i, c := range b {
		if c < '0' || c > '9' {
			return n, b[i+1:]
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

// A newest is the number of the last event of each room; they may only grow.
type newest [rooms]int

func (n *newest) take(number int) error {
	last := &n[number%rooms]
	if number < *last {
		return fmt.Errorf("event %d came after %d", number, *last)
	}
	*last = number
	return nil
}

// of checks that they are the newest of so many events.
func (n *newest) of(published int) error {
	for room, number := range n {
		if number < published-rooms {
			return fmt.Errorf("of %d events, the last one of room %d is %d", published, room, number)
		}
	}
	return nil
}
