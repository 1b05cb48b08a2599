package transport

import (
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// newSessions makes sessions of a node that has nothing else.
func newSessions(t testing.TB, options operation.Options, most SessionLimits) *Sessions {
	t.Helper()
	options.Log = slog.New(slog.DiscardHandler)
	broker, pool := memory.New(), work.NewPool()
	engine, err := operation.New(testschema.New(), broker, pool, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		engine.Close()
		pool.Close()
		_ = broker.Close()
	})
	return NewSessions(engine, auth.NewGrants(nil), most)
}

var bob = &auth.Viewer{Consumer: "shop", Subject: "bob"}

// empty checks that nothing is held any more.
func (s *Sessions) empty(t *testing.T) {
	t.Helper()
	a := &s.admission
	if nodes, addresses, viewers := a.node.Len(), a.addresses.Len(), a.viewers.Len(); nodes+addresses+viewers != 0 {
		t.Errorf("the node, %d addresses and %d viewers still have places", addresses, viewers)
	}
}

func code(refusal *Refusal) string {
	if refusal == nil {
		return ""
	}
	return strconv.Itoa(refusal.Status) + " " + operation.Code(refusal.Errors)
}

func TestWhichAddressesCountAsOne(t *testing.T) {
	for _, tt := range []struct {
		name, first, second, want string
	}{
		{"one address", "192.0.2.1", "192.0.2.1", "429 SESSION_LIMIT"},
		{"two addresses", "192.0.2.1", "192.0.2.2", ""},
		{"one that is also written as IPv6", "192.0.2.1", "::ffff:192.0.2.1", "429 SESSION_LIMIT"},
		{"two of the IPv6 network of one subscriber", "2001:db8:1:2::3", "2001:db8:1:2:ffff::4", "429 SESSION_LIMIT"},
		{"two of different subscribers", "2001:db8:1:2::3", "2001:db8:1:3::3", ""},
		{"one with a zone", "fe80::1%eth0", "fe80::2", "429 SESSION_LIMIT"},
		{"this machine", "127.0.0.1", "127.0.0.1", ""},
		{"this machine by IPv6", "::1", "::1", ""},
		{"nobody knows which", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSessions(t, operation.Options{}, SessionLimits{PerAddress: 1})
			enter := func(text string) (*Place, *Refusal) {
				address, _ := netip.ParseAddr(text)
				return s.Enter(address)
			}
			first, refusal := enter(tt.first)
			if refusal != nil {
				t.Fatal(refusal.Errors)
			}
			second, refusal := enter(tt.second)
			if got := code(refusal); got != tt.want {
				t.Errorf("the second is refused with %q, want %q", got, tt.want)
			}
			first.Leave()
			if second == nil {
				second, _ = enter(tt.second)
			}
			second.Leave()
			s.empty(t)
		})
	}
}

func TestAPlaceIsGivenBackOnce(t *testing.T) {
	s := newSessions(t, operation.Options{}, SessionLimits{Sessions: 2, PerAddress: 2})
	address := netip.MustParseAddr("192.0.2.1")
	first, _ := s.Admit(bob, address)
	second, _ := s.Admit(bob, address)
	first.Leave()
	first.Leave()
	third, _ := s.Admit(bob, address)
	if _, refusal := s.Admit(bob, address); code(refusal) != "503 SESSION_LIMIT" {
		t.Errorf("one too many: %q", code(refusal))
	}
	if refusal := first.Claim(bob, address); refusal != nil { // it is late, and takes nothing
		t.Error(refusal.Errors)
	}
	second.Leave()
	third.Leave()
	s.empty(t)
}

func TestOnlyTheFirstViewerOfAPlaceIsCounted(t *testing.T) {
	s := newSessions(t, operation.Options{Callers: operation.CallerLimits{Sessions: 1}}, SessionLimits{})
	place, _ := s.Admit(bob, netip.Addr{})
	changed := *bob
	changed.Subject = "ann"
	if refusal := place.Claim(&changed, netip.Addr{}); refusal != nil {
		t.Error(refusal.Errors)
	}
	if _, refusal := s.Admit(bob, netip.Addr{}); code(refusal) != "429 SESSION_LIMIT" {
		t.Errorf("the first viewer opens another: %q", code(refusal))
	}
	other, refusal := s.Admit(&changed, netip.Addr{})
	if refusal != nil {
		t.Fatal(refusal.Errors)
	}
	place.Leave()
	other.Leave()
	s.empty(t)
}

func TestAPlanSaysHowManySessionsItsConsumersHave(t *testing.T) {
	plans, err := limits.NewPlans([]*limits.Plan{{Name: "small", Sessions: 2}, {Name: "large", Sessions: math.MaxInt}}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	s := newSessions(t, operation.Options{
		Callers: operation.CallerLimits{Sessions: 1},
		Budgets: operation.BudgetOptions{Plans: plans},
	}, SessionLimits{})
	admit := func(plan, subject string) string {
		_, refusal := s.Admit(&auth.Viewer{Consumer: "shop of " + plan, Subject: subject, Plan: plan}, netip.Addr{})
		return code(refusal)
	}
	for _, tt := range []struct{ plan, subject, want string }{
		{"small", "ann", ""},
		{"small", "ann", ""},
		{"small", "bob", "429 SESSION_LIMIT"},
		{"large", "ann", ""},
		{"large", "ann", ""},
		{"", "ann", ""},
		{"", "ann", "429 SESSION_LIMIT"},
		{"", "bob", ""},
	} {
		if got := admit(tt.plan, tt.subject); got != tt.want {
			t.Errorf("%s of plan %q: %q, want %q", tt.subject, tt.plan, got, tt.want)
		}
	}
	if counts := s.engine.Refusals().Counts(); counts["sessions of plan small"] != 1 || counts["max-sessions-per-viewer"] != 1 {
		t.Errorf("noted as %v", counts)
	}
}

func TestWhoIsRefusedForAnAddressUsesUpNothingOfTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(t, operation.Options{}, SessionLimits{
			Sessions:    2,
			Rate:        limits.Rate{PerSecond: 1, Burst: 3},
			AddressRate: limits.Rate{PerSecond: 1, Burst: 1},
		})
		address := netip.MustParseAddr("192.0.2.1")
		first, _ := s.Enter(address)
		first.Leave()
		for range 100 {
			if _, refusal := s.Enter(address); code(refusal) != "429 RATE_LIMITED" {
				t.Fatalf("it is refused with %q", code(refusal))
			}
		}
		s.empty(t)
		for range 2 {
			if _, refusal := s.Enter(netip.Addr{}); refusal != nil {
				t.Error(refusal.Errors)
			}
		}
	})
}

func TestWhoIsRefusedForTheRateComesBackAtAnotherTimeThanOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(t, operation.Options{}, SessionLimits{Rate: limits.Rate{PerSecond: 1, Burst: 1}})
		first, _ := s.Enter(netip.Addr{})
		defer first.Leave()
		told := make(map[int64]bool)
		for range 20 {
			_, refusal := s.Enter(netip.Addr{})
			if code(refusal) != "503 RATE_LIMITED" {
				t.Fatalf("it is refused with %q", code(refusal))
			}
			ms, _ := refusal.Errors[0].Extensions["retryAfterMs"].(int64)
			if ms < 1000 || ms > 6000 {
				t.Errorf("it may come back after %d ms", ms)
			}
			told[ms] = true
			w := httptest.NewRecorder()
			refusal.Write(w, nil)
			if after, _ := strconv.Atoi(w.Header().Get("Retry-After")); w.Code != http.StatusServiceUnavailable || int64(after) != (ms+999)/1000 {
				t.Errorf("%d with Retry-After: %d, and %d ms", w.Code, after, ms)
			}
		}
		if len(told) < 2 {
			t.Errorf("all come back after %v", told)
		}
		time.Sleep(time.Second)
		second, refusal := s.Enter(netip.Addr{})
		if refusal != nil {
			t.Fatal(refusal.Errors)
		}
		second.Leave()
	})
}

func TestNoLimitIsAWord(t *testing.T) {
	s := newSessions(t, operation.Options{Callers: operation.CallerLimits{Sessions: math.MaxInt}}, SessionLimits{
		Sessions: math.MaxInt, PerAddress: math.MaxInt, Rate: limits.UnlimitedRate, AddressRate: limits.UnlimitedRate,
	})
	for range 20_000 {
		if _, refusal := s.Admit(bob, netip.MustParseAddr("192.0.2.1")); refusal != nil {
			t.Fatal(refusal.Errors)
		}
	}
}

func TestDefaultsOfSessions(t *testing.T) {
	got := SessionLimits{}.withDefaults()
	if got.Sessions < 100 || got.Sessions > max(100, descriptors()) {
		t.Errorf("%d sessions where %d files may be open", got.Sessions, descriptors())
	}
	got.Sessions = 0
	want := SessionLimits{PerAddress: 200, Rate: limits.Rate{PerSecond: 2000, Burst: 10_000}, AddressRate: limits.Rate{PerSecond: 20, Burst: 40}}
	if got != want {
		t.Errorf("got %+v", got)
	}
}

// Whatever comes and goes at once, no limit is exceeded and nothing is lost.
func TestManyComeAndGoAtOnce(t *testing.T) {
	const inAll, ofAddress, ofViewer = 20, 10, 4
	s := newSessions(t, operation.Options{Callers: operation.CallerLimits{Sessions: ofViewer}}, SessionLimits{
		Sessions: inAll, PerAddress: ofAddress, Rate: limits.UnlimitedRate, AddressRate: limits.UnlimitedRate,
	})
	var node atomic.Int64
	var addresses [3]atomic.Int64
	var viewers [6]atomic.Int64
	count := func(by int64, address, viewer int) {
		if node.Add(by) > inAll || addresses[address].Add(by) > ofAddress || viewers[viewer].Add(by) > ofViewer {
			t.Error("a limit is exceeded")
		}
	}
	var running sync.WaitGroup
	for g := range 60 {
		running.Go(func() {
			address, viewer := g%len(addresses), g%len(viewers)
			from := netip.AddrFrom4([4]byte{192, 0, 2, byte(address)})
			who := &auth.Viewer{Consumer: "shop", Subject: strconv.Itoa(viewer)}
			for range 300 {
				place, refusal := s.Admit(who, from)
				if refusal != nil {
					continue
				}
				count(1, address, viewer)
				runtime.Gosched() // so that others find it taken
				count(-1, address, viewer)
				running.Go(place.Leave)
				place.Leave()
			}
		})
	}
	running.Wait()
	s.empty(t)
	if len(s.engine.Refusals().Counts()) == 0 {
		t.Error("no limit was reached")
	}
}

func BenchmarkAdmit(b *testing.B) {
	s := newSessions(b, operation.Options{}, SessionLimits{Rate: limits.UnlimitedRate, AddressRate: limits.Rate{PerSecond: 1e9, Burst: 1e6}})
	address := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		place, refusal := s.Admit(bob, address)
		if refusal != nil {
			b.Fatal(refusal.Errors)
		}
		place.Leave()
	}
}
