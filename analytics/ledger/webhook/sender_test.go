package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte("0123456789abcdef0123456789abcdef")

// A box is an outbox in memory.
type box struct {
	mu      sync.Mutex // guards what follows
	waiting []ledger.Batch
	sent    []string
}

func newBox(ids ...string) *box {
	b := new(box)
	for _, id := range ids {
		b.waiting = append(b.waiting, *ledgertest.Batch(id, ledgertest.Entry("shop", 0, 1)))
	}
	return b
}

func (b *box) Claim(_ context.Context, limit int, _ time.Duration) ([]ledger.Batch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting[:min(limit, len(b.waiting))], nil
}

func (b *box) Sent(_ context.Context, batches []ledger.Batch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, sent := range batches {
		b.sent = append(b.sent, sent.ID)
	}
	b.waiting = b.waiting[len(batches):]
	return nil
}

func (b *box) done() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.sent, "")
}

// answers is the other end of a sender: a status for each request, 0 for a failure of the network.
type answers struct {
	mu       sync.Mutex // guards what follows
	statuses []int      // the last is repeated
	requests []*http.Request
	bodies   []string
	times    []time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	status := a.statuses[min(len(a.requests), len(a.statuses)-1)]
	a.requests, a.bodies, a.times = append(a.requests, r), append(a.bodies, string(body)), append(a.times, time.Now())
	if status == 0 {
		return nil, errors.New("the network fails")
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://elsewhere.example"}}, Body: http.NoBody, Request: r}, nil
}

// run sends what a box holds for so long.
func run(t *testing.T, b *box, a *answers, long time.Duration) *Sender {
	t.Helper()
	s, err := New(b, "https://billing.example/usage?token=hunter2", secret, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.client.Transport = a
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	s.Run(ctx)
	return s
}

func TestBatchesAreSentAsSignedCloudEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, a := newBox("a", "b"), &answers{statuses: []int{204}}
		run(t, b, a, time.Second)
		if b.done() != "ab" || len(a.requests) != 1 {
			t.Fatalf("%q were sent in %d requests", b.done(), len(a.requests))
		}
		r, body := a.requests[0], a.bodies[0]
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + body))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("the signature is %s, want %s", r.Header.Get("webhook-signature"), want)
		}
		if r.Header.Get("Content-Type") != contentType || r.Method != http.MethodPost {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		var events []map[string]any
		if err := json.Unmarshal([]byte(body), &events); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"specversion": "1.0", "id": "a", "source": "/sluice/node", "type": "io.sluice.usage.v1",
			"time": "2026-11-21T12:59:00Z", "datacontenttype": "application/json",
		} {
			if events[0][name] != want {
				t.Errorf("%s is %v, want %s", name, events[0][name], want)
			}
		}
		data, _ := json.Marshal(events[0]["data"])
		const want = `{"entries":[{"bytes":10,"connected_ms":3,"consumer":"shop","events":1,"field":"Subscription.tick",` +
			`"hour":"2026-11-21T12:00:00Z","issuer":"","plan":"free","requests":1}],"node":"node","sequence":1}`
		if string(data) != want {
			t.Errorf("the data is\n%s, want\n%s", data, want)
		}
	})
}

func TestARequestIsTriedAgainUnderItsID(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		requests int
	}{
		{"a receiver that fails", []int{500, 503, 200}, 3},
		{"a network that fails", []int{0, 200}, 2},
		{"a redirect is a failure, and not followed", []int{302, 307, 200}, 3},
		{"a refusal may be a mistake that somebody repairs", []int{400, 410, 201}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, a := newBox("a"), &answers{statuses: c.statuses}
				s := run(t, b, a, time.Minute)
				if b.done() != "a" || len(a.requests) != c.requests || s.Err() != nil {
					t.Errorf("%q were sent in %d requests (%v)", b.done(), len(a.requests), s.Err())
				}
				for _, r := range a.requests {
					if r.Header.Get("webhook-id") != a.requests[0].Header.Get("webhook-id") || r.Host != "billing.example" {
						t.Errorf("a try has another id or host: %s %v", r.Host, r.Header)
					}
				}
			})
		})
	}
}

func TestADeadReceiverIsTriedEightTimesThenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, a := newBox("a"), &answers{statuses: []int{500, 500, 500, 500, 500, 500, 500, 500, 200}}
		s := run(t, b, a, time.Hour)
		if b.done() != "a" || len(a.times) != 9 || s.Err() != nil {
			t.Fatalf("%q were sent after %d tries (%v)", b.done(), len(a.times), s.Err())
		}
		for n := range 7 {
			if waited, most := a.times[n+1].Sub(a.times[n]), firstWait<<n; waited > most {
				t.Errorf("before try %d it waited %v, want %v at most", n+2, waited, most)
			}
		}
		if waited := a.times[8].Sub(a.times[7]); waited != restAfter {
			t.Errorf("it rested %v, want %v", waited, restAfter)
		}
	})
}

func TestAnErrorHoldsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t, newBox("a"), &answers{statuses: []int{0}}, time.Second)
		if err := s.Err(); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		name, target, want string
	}{
		{"https", "https://billing.example/usage", ""},
		{"http to this machine", "http://localhost:9000/", ""},
		{"http to this machine by address", "http://[::1]:9000/", ""},
		{"http elsewhere", "http://billing.example/", "https"},
		{"another scheme", "ftp://localhost/", "https"},
		{"a password", "https://ann:hunter2@billing.example/", "user"},
		{"no URL", "https://%zzhunter2", "cannot be read"},
		{"no host", "https:///usage", "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(newBox(), c.target, secret, Options{})
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := New(newBox(), "https://a.example", []byte("short"), Options{}); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		address                string
		public, local, private bool // whether it may be dialled for such a target
	}{
		{"93.184.215.14", true, false, true},
		{"2606:2800:21f::1", true, false, true},
		{"127.0.0.1", false, true, true},
		{"::1", false, true, true},
		{"10.0.0.1", false, false, true},
		{"192.168.1.1", false, false, true},
		{"fd00::1", false, false, true},
		{"100.64.0.1", false, false, true},
		{"64:ff9b::a00:1", false, false, true},
		{"169.254.169.254", false, false, false},
		{"fe80::1", false, false, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"224.0.0.1", false, false, false},
		{"255.255.255.255", false, false, false},
	} {
		ip := netip.MustParseAddr(c.address)
		if allowed(ip, false, false) != c.public || allowed(ip, true, false) != c.local || allowed(ip, false, true) != c.private {
			t.Errorf("%s: %v %v %v, want %v %v %v", ip, allowed(ip, false, false), allowed(ip, true, false), allowed(ip, false, true),
				c.public, c.local, c.private)
		}
	}
}

func TestANameThatMeansAPrivateAddressIsNotDialled(t *testing.T) {
	var reached sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached.Store(r.URL.Path, true) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for path, local := range map[string]bool{"/named": true, "/rebound": false} {
		client := newClient(local, false)
		answer, err := client.Get("http://127.0.0.1:" + port + path)
		if err == nil {
			_ = answer.Body.Close()
		}
		client.CloseIdleConnections()
		if _, ok := reached.Load(path); ok != local || errors.Is(err, errAddress) == local {
			t.Errorf("%s: %v, %v", path, ok, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	good := "whsec_" + base64.StdEncoding.EncodeToString(secret)
	if got, err := ParseSecret(good + "\n"); err != nil || string(got) != string(secret) {
		t.Errorf("%q (%v)", got, err)
	}
	for _, bad := range []string{"", "hunter2", "whsec_", "whsec_aHVudGVyMg==", "whsec_!" + good, good[6:]} {
		if _, err := ParseSecret(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What Standard Webhooks' own libraries make of its example.
func TestTheSignatureOfTheStandardsExample(t *testing.T) {
	secret, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	got := sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

func TestFromALedgerToAReceiver(t *testing.T) {
	var mu sync.Mutex // guards ids
	ids := map[string]int{}
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []event
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, e := range events {
			if ids[e.ID]++; len(ids) == 20 && ids[e.ID] == 1 {
				close(all)
			}
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	s, err := ledgerdb.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for n := range 20 {
		if _, err := s.Import(t.Context(), ledgertest.Batch(string(rune('a'+n)), ledgertest.Entry("shop", n, 1))); err != nil {
			t.Fatal(err)
		}
	}
	sender, err := New(s, server.URL, secret, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { sender.Run(ctx) })
	<-all
	cancel()
	running.Wait()
	for id, n := range ids {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}
