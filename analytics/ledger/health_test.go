package ledger

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHealthAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		store.set(true)
		l, err := Open(store, t.TempDir(), Options{SpoolSize: 600, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // for the first turn, which finds nothing to take along
		for range 3 {
			if l.Full() {
				t.Error("it is full with room in the spool")
			}
			l.Add(shop, Usage{Events: 1})
			if err := l.Flush(t.Context()); err == nil {
				t.Error("the store is away, and there is no error")
			}
		}
		text, err := json.Marshal(l.Health())
		if err != nil || !l.Full() || !strings.Contains(string(text), `"full":true,"waiting":1,"backlogBytes":`) ||
			!strings.Contains(string(text), `"error":"the spool is full`) || !strings.Contains(string(text), `"lastImported":"2000-01-01T00:00:00Z"`) {
			t.Errorf("the health is %s (%v)", text, err)
		}
		time.Sleep(time.Second)
		store.set(false)
		if err := l.Flush(t.Context()); err != nil || l.Full() {
			t.Errorf("when the store is back it is full: %v (%v)", l.Full(), err)
		}
		text, err = json.Marshal(l.Health())
		if want := `{"full":false,"waiting":0,"backlogBytes":0,"damagedBytes":0,"lastImported":"2000-01-01T00:00:01Z"}`; err != nil || string(text) != want {
			t.Errorf("the health is %s, want %s (%v)", text, want, err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
