package limits_test

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestRefusalsAreAllCountedAndSomeAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		r := limits.NewRefusals(slog.New(slog.NewTextHandler(&text, nil)))
		for range 100 { // for 20 s
			r.Note("max-depth", 2, "consumer", "shop")
			time.Sleep(200 * time.Millisecond)
		}
		r.Note("max-cost", 1)
		if got, want := r.Counts(), map[string]uint64{"max-depth": 200, "max-cost": 1}; !maps.Equal(got, want) {
			t.Errorf("Counts() = %v, want %v", got, want)
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		want := []string{
			"limit=max-depth times=2 consumer=shop",
			"limit=max-depth times=100 consumer=shop",
			"limit=max-cost times=1",
		}
		if len(lines) != len(want) {
			t.Fatalf("the log is\n%s", &text)
		}
		for i, end := range want {
			if !strings.HasSuffix(lines[i], end) {
				t.Errorf("line %d is %s, want %s", i, lines[i], end)
			}
		}
	})
}

func TestRefusalsAreCountedTogether(t *testing.T) {
	r := limits.NewRefusals(slog.New(slog.DiscardHandler))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				r.Note("max-depth", 1)
			}
		})
	}
	all.Wait()
	if n := r.Counts()["max-depth"]; n != 8000 {
		t.Errorf("%d are counted, of 8000", n)
	}
}

func TestNoRefusalsCountNothing(t *testing.T) {
	var r *limits.Refusals
	r.Note("max-depth", 1)
	if n := len(r.Counts()); n != 0 {
		t.Errorf("%d limits are counted", n)
	}
}
