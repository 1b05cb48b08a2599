package outbox

import (
	"fmt"
	"testing"
)

func TestALineFindsItsKeysHoweverManyWait(t *testing.T) {
	for _, n := range []int{1, few, few + 1, 5000} {
		var l line
		for round := range 3 {
			for i := range n { // the same keys again: they are replaced
				e := event(round*n+i, fmt.Sprint("key ", i))
				if old := l.find(e.Key); old != nil {
					l.replace(old, &e)
				} else {
					l.push(&e, true)
				}
			}
		}
		if l.count != n || len(l.index) > n {
			t.Fatalf("%d events wait with %d keys in the index, want %d", l.count, len(l.index), n)
		}
		if l.find("another") != nil {
			t.Error("a key was found that is not there")
		}
		for i := range n {
			if got, want := string(l.pop().Body), string(event(2*n+i, "").Body); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
			if l.find(fmt.Sprint("key ", i)) != nil {
				t.Fatal("a key is found that has left")
			}
		}
		if l.slots != nil || l.index != nil || l.bytes != 0 {
			t.Errorf("an empty line holds %d slots, an index of %d and %d bytes", len(l.slots), len(l.index), l.bytes)
		}
	}
}

func TestALineInMotionStaysSmall(t *testing.T) {
	var l line
	for i := range 10 {
		e := event(i, "")
		l.push(&e, false)
	}
	for i := range 10_000 {
		e := event(i+10, "")
		l.push(&e, false)
		if got, want := string(l.pop().Body), string(event(i, "").Body); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	if len(l.slots) != 16 {
		t.Errorf("%d slots for ten events", len(l.slots))
	}
}
