package replication

import (
	"encoding/json"
	"testing"
)

func TestTheStatusOfASlotThatNobodyReads(t *testing.T) {
	r, err := New("postgres://ann:hunter2@db.example/shop", nil, Options{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		if text, err := json.Marshal(r.Status()); err != nil || string(text) != want {
			t.Errorf("it is %s, want %s (%v)", text, want, err)
		}
	}
	check(`{"slot":"shop","reading":false,"active":false,"lagBytes":0}`)
	r.lose("no slot")
	check(`{"slot":"shop","reading":false,"active":false,"lagBytes":0,"reason":"no slot"}`)
	r.activate()
	if s := r.Status(); !s.Up || !s.Active || s.Reason != "" {
		t.Errorf("while this node reads it is %+v", s)
	}
	r.deactivate()
	if s := r.Status(); !s.Up || s.Active {
		t.Errorf("just after that it is %+v", s)
	}
}
