package webhook

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheStatusSaysHowSendingGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox("a", "b")
		a := &answers{statuses: []int{500, 500, 500, 500, 500, 500, 500, 0, 200}}
		s, err := New(b, "https://billing.example/usage?token=hunter2", secret, Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		s.client.Transport = a
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go s.Run(ctx)
		for s.Status().PausedUntil.IsZero() {
			time.Sleep(time.Second)
		}
		status := s.Status()
		if wait := time.Until(status.PausedUntil); status.Sent != 0 || status.Failed != 2*tries || status.Reason != s.Err().Error() ||
			wait > restAfter || wait < restAfter-time.Second {
			t.Errorf("while it rests it is %+v", status)
		}
		if text, err := json.Marshal(status); err != nil || !strings.Contains(string(text), "network fails") || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s (%v)", text, err)
		}
		time.Sleep(restAfter + time.Second)
		if status := s.Status(); status != (Status{Sent: 2, Failed: 2 * tries}) {
			t.Errorf("when all is well again it is %+v", status)
		}
		cancel()
		synctest.Wait()
	})
}
