package crowd

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is generous: test machines are slow at times.
const patience = 30 * time.Second

func TestWhatACrowdWritesDown(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*shop)
		want  string // a kind of finding that there must be; empty: nothing at all
	}{
		{"gateways that are right, with cuts and answers that are lost", func(*shop) {}, ""},
		{"gaps that are told", func(s *shop) { s.tellsGaps = true }, ""},
		{"one event is passed over by who resumes", func(s *shop) { s.skips = true }, check.Lost},
		{"one event comes again to who resumes", func(s *shop) { s.repeats = true }, check.Duplicated},
		{"idempotency keys are forgotten", func(s *shop) { s.forgetsKeys = true }, check.Duplicated},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop()
			c.spoil(s)
			found := check.Breaches(check.Run(visitShop(t, s, everybody)))
			switch {
			case c.want == "" && len(found) > 0:
				t.Errorf("found %v", found[0])
			case c.want != "" && !slices.ContainsFunc(found, func(f check.Finding) bool { return f.Kind == c.want }):
				t.Errorf("found %v, want something %s", found, c.want)
			}
		})
	}
}

func TestEveryTransportFindsWhatIsWrong(t *testing.T) {
	for _, transport := range Transports {
		for name, test := range map[string]struct {
			spoil func(*shop)
			want  string
		}{
			"nothing":            {func(*shop) {}, ""},
			"an event is lost":   {func(s *shop) { s.skips = true }, check.Lost},
			"an event is double": {func(s *shop) { s.repeats = true }, check.Duplicated},
		} {
			t.Run(transport+", "+name, func(t *testing.T) {
				t.Parallel()
				s := newShop()
				test.spoil(s)
				found := check.Breaches(check.Run(visitShop(t, s, Mix{transport: 1})))
				if test.want == "" && len(found) > 0 || test.want != "" && !slices.ContainsFunc(found, func(f check.Finding) bool { return f.Kind == test.want }) {
					t.Errorf("found %v, want something %q", found, test.want)
				}
			})
		}
	}
}

var everybody = Mix{WebSocket: 1, SSE: 1, Multipart: 1}

// visitShop lets a crowd have some hundred events of a shop, and returns what it wrote down.
func visitShop(t *testing.T, s *shop, mix Mix) check.History {
	t.Helper()
	a, b := httptest.NewServer(s), httptest.NewServer(s)
	all := Enter(Options{
		Gateways: []string{strings.TrimPrefix(a.URL, "http://"), strings.TrimPrefix(b.URL, "http://")},
		Topics:   4, Subscribers: 12, Mix: mix, Publishers: 3, Rate: 2000, Dawdlers: 6, Seed: 7,
	})
	defer func() { s.close(); a.Close(); b.Close() }()
	defer all.Close()
	all.Publish()
	until(t, "enough is published", func() bool { p := all.Progress(); return p.Published >= 400 && p.Silent == 0 })
	all.Finish(t.Context())
	if !s.tellsGaps && !s.skips { // who is told of a gap at the end, or is not, misses what follows
		until(t, "everybody has everything", func() bool { return all.Progress().Behind == 0 })
	}
	all.Close()
	h := all.History()
	for i, c := range h.Clients {
		h.Clients[i].Stayed = !s.tellsGaps
		if mix[c.Transport] == 0 {
			t.Errorf("%s connects by %q", c.Name, c.Transport)
		}
	}
	return h
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if err := redistest.Poll(patience, func() error {
		if !holds() {
			return errNever
		}
		return nil
	}); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

type never string

func (n never) Error() string { return string(n) }

const errNever = never("never")

func TestPositionOfACursor(t *testing.T) {
	at := pubsub.Position{Epoch: 1<<63 + 5, Offset: 42, ID: [12]byte{1, 2, 3, 11: 12}}
	text := cursor.NewKeys().Append(nil, cursor.ScopeOf(""), []cursor.Topic{cursor.TopicOf("stock.1")}, []pubsub.Position{at})
	if got := position(string(text)); got != at {
		t.Errorf("got %v, want %v", got, at)
	}
	for _, none := range []string{"", "no cursor!", "AAAA", string(text[:40])} {
		if got := position(none); !got.IsZero() {
			t.Errorf("%q is at %v", none, got)
		}
	}
}
