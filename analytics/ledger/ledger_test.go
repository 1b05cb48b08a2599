package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	shop    = Key{Consumer: "shop", Plan: "metered", Field: "Subscription.tick"}
	errAway = errors.New("away")
)

// A memory is a store that can be away.
type memory struct {
	mu      sync.Mutex // guards what follows
	away    bool
	batches map[string]*Batch
	pruned  []time.Time
	delay   time.Duration // of each import
}

func newMemory() *memory { return &memory{batches: make(map[string]*Batch)} }

func (m *memory) Import(ctx context.Context, b *Batch) (bool, error) {
	m.mu.Lock()
	delay := m.delay
	m.mu.Unlock()
	time.Sleep(delay) // in a bubble
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away || ctx.Err() != nil {
		return false, errors.Join(errAway, ctx.Err())
	}
	_, known := m.batches[b.ID]
	m.batches[b.ID] = b
	return !known, nil
}

func (m *memory) Prune(_ context.Context, before time.Time) error {
	m.pruned = append(m.pruned, before)
	return nil
}

func (m *memory) set(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

// sum is what the store has of a key, over all hours.
func (m *memory) sum(k Key) (u Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.batches {
		for _, e := range b.Entries {
			if e.Key == k {
				u = u.Plus(e.Usage)
			}
		}
	}
	return u
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.batches)
}

// start opens a ledger whose log the test ignores; end closes it.
func start(t *testing.T, s Store, folder string, o Options) *Ledger {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l, err := Open(s, folder, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func end(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func spools(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.spool"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestUsageIsInTheStoreAfterAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := start(t, m, t.TempDir(), Options{Node: "n1"})
		synctest.Wait()
		l.Add(shop, Usage{Events: 2, Bytes: 20})
		l.Add(shop, Usage{Events: 3, Bytes: 30, ConnectedMillis: 5, Requests: 1})
		l.Add(Key{Consumer: "till"}, Usage{Events: 1})
		l.Add(Key{Consumer: "nobody"}, Usage{})
		if h := l.Health(); h.Waiting != 3 {
			t.Errorf("%d keys wait, want 3", h.Waiting)
		}
		time.Sleep(10*time.Second + 1)
		synctest.Wait()
		want := Usage{Events: 5, Bytes: 50, ConnectedMillis: 5, Requests: 1}
		if got := m.sum(shop); got != want || m.count() != 1 {
			t.Errorf("the store has %+v in %d batches, want %+v in one", got, m.count(), want)
		}
		for id, b := range m.batches {
			if b.ID != id || b.Node != "n1" || b.Sequence != 1 || len(b.Entries) != 2 {
				t.Errorf("the batch is %+v", b)
			}
		}
		if h := l.Health(); h.Err != nil || h.Backlog != 0 || h.Waiting != 0 || h.Imported.IsZero() {
			t.Errorf("the health is %+v", h)
		}
		end(t, l)
	})
}

func TestEveryHourHasItsUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := start(t, m, t.TempDir(), Options{})
		l.Add(shop, Usage{Events: 1})
		begin := hourOf(time.Now())
		time.Sleep(time.Hour) // exactly: the bubble's clock begins at a full hour
		l.Add(shop, Usage{Events: 2})
		end(t, l)
		var got []string
		for _, b := range m.batches {
			for _, e := range b.Entries {
				got = append(got, fmt.Sprint(e.Hour.Sub(begin), " ", e.Events))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"0s 1", "1h0m0s 2"}) {
			t.Errorf("the hours are %q", got)
		}
	})
}

func TestAStoreThatIsAwayGetsEverythingLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, folder := newMemory(), t.TempDir()
		m.set(true)
		l := start(t, m, folder, Options{})
		for range 5 {
			l.Add(shop, Usage{Events: 1})
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		if h := l.Health(); !errors.Is(h.Err, errAway) || h.Full || h.Backlog == 0 || h.Waiting != 0 {
			t.Errorf("while it is away, the health is %+v", h)
		}
		m.set(false)
		if err := l.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if got := m.sum(shop).Events; got != 5 || l.Health().Backlog != 0 {
			t.Errorf("the store has %d events, want 5; the health is %+v", got, l.Health())
		}
		info, err := os.Stat(spools(t, folder)[0])
		if err != nil || info.Size() != 0 {
			t.Errorf("the spool has %d bytes (%v), want none", info.Size(), err)
		}
		end(t, l)
		if left := spools(t, folder); len(left) != 0 {
			t.Errorf("%q are left", left)
		}
	})
}

func TestWhatIsSpooledWhenANodeEndsIsTheNextOnes(t *testing.T) {
	m, folder := newMemory(), t.TempDir()
	m.set(true)
	for range 3 { // ends that left their spools
		l := start(t, m, folder, Options{})
		l.Add(shop, Usage{Events: 1})
		if err := l.Close(t.Context()); !errors.Is(err, errAway) {
			t.Fatalf("Close says %v, want why the store has not everything", err)
		}
	}
	if left := spools(t, folder); len(left) != 3 {
		t.Fatalf("%q are left, want 3", left)
	}
	m.set(false)
	end(t, start(t, m, folder, Options{}))
	if got, left := m.sum(shop).Events, spools(t, folder); got != 3 || len(left) != 0 {
		t.Errorf("the store has %d events, want 3; %q are left", got, left)
	}
}

func TestTheSpoolOfALivingNodeIsLeftAlone(t *testing.T) {
	away, here, folder := newMemory(), newMemory(), t.TempDir()
	away.set(true)
	living := start(t, away, folder, Options{})
	living.Add(shop, Usage{Events: 1})
	if err := living.Flush(t.Context()); !errors.Is(err, errAway) {
		t.Fatal(err)
	}
	end(t, start(t, here, folder, Options{}))
	if here.count() != 0 || len(spools(t, folder)) != 1 {
		t.Errorf("%d batches of a living node were taken", here.count())
	}
	away.set(false)
	end(t, living)
	if got := away.sum(shop).Events; got != 1 {
		t.Errorf("its store has %d events, want 1", got)
	}
}

func TestAFullSpoolKeepsTheOldestAndTheRestWaitsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, folder := newMemory(), t.TempDir()
		m.set(true)
		l := start(t, m, folder, Options{SpoolSize: 1000})
		for range 100 {
			l.Add(shop, Usage{Events: 1})
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		h := l.Health()
		if !h.Full || h.Backlog > 1000 || h.Waiting != 1 || !errors.Is(h.Err, errFull) {
			t.Errorf("the health is %+v", h)
		}
		m.set(false)
		if err := l.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if got := m.sum(shop).Events; got != 100 || l.Health().Full {
			t.Errorf("the store has %d events, want 100; the health is %+v", got, l.Health())
		}
		seen := map[int64]bool{}
		for _, b := range m.batches {
			seen[b.Sequence] = true
		}
		for n := range len(seen) {
			if !seen[int64(n+1)] {
				t.Errorf("of %d batches none has the number %d", len(seen), n+1)
			}
		}
		end(t, l)
	})
}

func TestASpoolThatFailsCostsNothingWhileTheStoreIsThere(t *testing.T) {
	m := newMemory()
	l := start(t, m, t.TempDir(), Options{})
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	disk := l.own.file
	l.own.file = readOnly(t, disk.Name()) // the goroutine waits for the next Flush
	l.Add(shop, Usage{Events: 1})
	if err := l.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "spool") {
		t.Errorf("Flush says %v, want that the spool fails", err)
	}
	if h := l.Health(); m.sum(shop).Events != 1 || h.Full {
		t.Errorf("the store has %d events, want 1; the health is %+v", m.sum(shop).Events, h)
	}
	m.set(true)
	l.Add(shop, Usage{Events: 1})
	for range 3 {
		_ = l.Flush(t.Context())
		l.Add(shop, Usage{Events: 1})
	}
	if h := l.Health(); !h.Full || h.Waiting != 2 {
		t.Errorf("without store and spool the health is %+v", h)
	}
	m.set(false)
	_ = l.own.file.Close()
	l.own.file = disk
	end(t, l)
	if got := m.sum(shop).Events; got != 5 {
		t.Errorf("the store has %d events, want 5", got)
	}
}

func readOnly(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestALargeBacklogDoesNotKeepNewUsageFromTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, folder := newMemory(), t.TempDir()
		m.set(true)
		l := start(t, m, folder, Options{})
		time.Sleep(5 * time.Second) // in the middle between two turns: each takes one event
		for range 10 {
			l.Add(shop, Usage{Events: 1})
			time.Sleep(10 * time.Second)
		}
		m.mu.Lock()
		m.delay, m.away = 4*time.Second, false // three batches take an interval
		m.mu.Unlock()
		time.Sleep(15 * time.Second)
		l.Add(shop, Usage{Events: 1})
		before := l.Health().Backlog
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if h := l.Health(); !errors.Is(h.Err, ErrBehind) || h.Waiting != 0 || h.Backlog == 0 || before == 0 {
			t.Errorf("the health is %+v", h)
		}
		end(t, l)
		if got := m.sum(shop).Events; got != 11 {
			t.Errorf("the store has %d events, want 11", got)
		}
	})
}

func TestManyKeysAreSeveralBatches(t *testing.T) {
	m := newMemory()
	l := start(t, m, t.TempDir(), Options{})
	if err := l.Flush(t.Context()); err != nil { // no batch is due now
		t.Fatal(err)
	}
	for n := range 2*batchEntries + 1 {
		l.Add(Key{Consumer: fmt.Sprint(n)}, Usage{Events: int64(n) + 1})
	}
	end(t, l)
	if m.count() != 3 {
		t.Errorf("there are %d batches, want 3", m.count())
	}
	if got := m.sum(Key{Consumer: "1000"}).Events; got != 1001 {
		t.Errorf("the last key has %d events, want 1001", got)
	}
}

func TestWhatIsOldIsForgottenOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := start(t, m, t.TempDir(), Options{Keep: 24 * time.Hour})
		want := hourOf(time.Now()).Add(-24 * time.Hour)
		time.Sleep(150 * time.Minute)
		synctest.Wait()
		if len(m.pruned) != 3 || !m.pruned[0].Equal(want) {
			t.Errorf("the store was told %v, want three times, from %v on", m.pruned, want)
		}
		end(t, l)
	})
}

func TestAfterCloseNothingIsTaken(t *testing.T) {
	m := newMemory()
	l := start(t, m, t.TempDir(), Options{})
	end(t, l)
	l.Add(shop, Usage{Events: 1})
	if err := l.Flush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Flush says %v, want ErrClosed", err)
	}
	end(t, l)
	if m.count() != 0 || l.Health().Waiting != 0 {
		t.Error("something was taken")
	}
}

func TestCloseWaitsNoLongerThanItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		l := start(t, hanging{}, folder, Options{})
		l.Add(shop, Usage{Events: 1})
		time.Sleep(time.Second) // the first import hangs
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Second {
			t.Errorf("Close says %v after %v", err, time.Since(begin))
		}
		m := newMemory()
		end(t, start(t, m, folder, Options{}))
		if got := m.sum(shop).Events; got != 1 {
			t.Errorf("the next node brings %d events, want 1", got)
		}
	})
}

// hanging is a store that does not answer.
type hanging struct{}

func (hanging) Import(ctx context.Context, _ *Batch) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func (hanging) Prune(context.Context, time.Time) error { return nil }

func TestAddingFromManySidesLosesNothing(t *testing.T) {
	m := newMemory()
	l := start(t, m, t.TempDir(), Options{Interval: time.Millisecond})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				l.Add(shop, Usage{Events: 1})
			}
		})
	}
	all.Wait()
	end(t, l)
	if got := m.sum(shop).Events; got != 4000 {
		t.Errorf("the store has %d events, want 4000", got)
	}
}

func TestTheLogIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.set(true)
		var log strings.Builder
		l := start(t, m, t.TempDir(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		l.Add(shop, Usage{Events: 1})
		time.Sleep(time.Minute)
		m.set(false)
		time.Sleep(time.Minute)
		end(t, l)
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("the log has %d lines, want 2:\n%s", n, &log)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	l, err := Open(newMemory(), b.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Add(shop, Usage{Events: 1})
	}
	_ = l.Close(b.Context())
}
