package complain

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestALastingTroubleIsToldNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		var l Log
		for range 100 { // for 20 s
			l.Warn(log, "the dog barks", "error", errors.New("woof"))
			time.Sleep(200 * time.Millisecond)
		}
		l.Warn(log, "the cat is away")
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		want := []string{"unlogged=0", "unlogged=49", "unlogged=0"}
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
