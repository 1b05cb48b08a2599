package limits_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestHealth(t *testing.T) {
	var h limits.Health
	now := time.Now()
	for range 2 {
		if !limits.Admit(&h, now) || limits.Failed(&h, now) {
			t.Error("it is away after fewer than three failures")
		}
	}
	if !limits.Failed(&h, now) {
		t.Error("it is not away after three failures")
	}
	for range 5 { // calls that had begun before
		if limits.Failed(&h, now) {
			t.Error("it goes away twice")
		}
	}
	for _, wait := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		if limits.Admit(&h, now.Add(wait*time.Millisecond-1)) {
			t.Errorf("somebody tries before %d ms", wait)
		}
		now = now.Add(wait * time.Millisecond)
		if !limits.Admit(&h, now) || limits.Admit(&h, now) {
			t.Errorf("after %d ms not exactly one tries", wait)
		}
		if limits.Failed(&h, now) {
			t.Error("it goes away again")
		}
	}
	if !limits.Answered(&h) || limits.Answered(&h) || !limits.Admit(&h, now) || !limits.Admit(&h, now) {
		t.Error("it is not back, once, for everybody")
	}
	if limits.Failed(&h, now) {
		t.Error("an old failure counts")
	}
}
