package limits

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// workers is how many calls of the counter a Book makes at a time.
const workers = 8

// Options are what NewBook does not have to be told. The zero Options works.
type Options struct {
	// Node is the name that the counter is told.
	Node string

	// MaxBlock is the most events that one account holds. It bounds what is forfeited when the
	// node dies. 0 means 64.
	MaxBlock int64

	// LowWater is how much of what an account held after the last refill is left when it asks for
	// more, in percent. 0 means 50.
	LowWater int

	// SettleEvery is how often the counter is told what is spent of leases. It must be a small part
	// of the counter's LeaseTTL. 0 means 5 s.
	SettleEvery time.Duration

	// Timeout bounds one call of the counter. 0 means 1 s.
	Timeout time.Duration

	// Log gets a line when the counter goes away and one when it is back. Nil means slog.Default.
	Log *slog.Logger
}

// largestBlock is what an account's word can hold, with what is given back.
const largestBlock = 1 << 24

func (o Options) withDefaults() Options {
	o.MaxBlock = min(cmp.Or(max(0, o.MaxBlock), 64), largestBlock)
	o.LowWater = min(cmp.Or(max(0, o.LowWater), 50), 100)
	o.SettleEvery = cmp.Or(max(0, o.SettleEvery), 5*time.Second)
	o.Timeout = cmp.Or(max(0, o.Timeout), time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Book is what one node spends of a Counter's quotas. Close ends it.
type Book struct {
	counter Counter
	options Options
	health  health
	prefix  string // of the ids of leases
	ids     atomic.Int64
	running sync.WaitGroup
	cancel  context.CancelFunc

	mu       sync.Mutex // guards what follows, and the accounts' seats
	wake     *sync.Cond
	queue    []*Account
	accounts map[string]*Account
	ending   map[*Account]struct{} // closed, with leases to return
	closed   bool                  // Close was called
	idle     chan struct{}         // closed when Close need not wait any longer
	stopped  bool                  // the workers must end
	past     Stats                 // of accounts that are no more
}

// A seat is an account's place in the Book.
type seat struct {
	users  int
	queued bool // a step is to be run
	busy   bool // a step runs
	again  bool // and another one is to be run then
}

// NewBook starts a Book that spends what counter grants.
func NewBook(counter Counter, o Options) *Book {
	ctx, cancel := context.WithCancel(context.Background())
	b := &Book{
		counter:  counter,
		options:  o.withDefaults(),
		prefix:   rand.Text()[:16] + ".",
		cancel:   cancel,
		accounts: make(map[string]*Account),
		ending:   make(map[*Account]struct{}),
		idle:     make(chan struct{}),
	}
	b.wake = sync.NewCond(&b.mu)
	for range workers {
		b.running.Go(func() { b.work(ctx) })
	}
	return b
}

// Open returns the account of key, which all who open it share, and has it look for a first event.
// q and f hold for all of them from now on, as with SetQuota; a q that fails its Check is never
// granted. The caller closes the account. That of a closed Book answers Unavailable.
func (b *Book) Open(key string, q Quota, f Fallback) *Account {
	b.mu.Lock()
	a := b.accounts[key]
	switch {
	case b.closed:
		a = newAccount(b, key)
		a.closed = time.Now()
		a.mood.Store(uint32(shut))
	case a == nil:
		a = newAccount(b, key)
		b.accounts[key] = a
	}
	a.seat.users++
	b.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setLocked(q, f)
	return a
}

// leave ends one Open, and reports whether it was the last.
func (b *Book) leave(a *Account) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.seat.users--; a.seat.users != 0 {
		return false
	}
	b.endLocked(a)
	return true
}

func (b *Book) endLocked(a *Account) {
	if b.accounts[a.key] == a {
		delete(b.accounts, a.key)
		b.ending[a] = struct{}{}
	}
}

// finished forgets an account that has nothing to return any more.
func (b *Book) finished(a *Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.ending[a]; !ok {
		return
	}
	delete(b.ending, a)
	b.past.add(a.statsLocked())
	b.checkIdleLocked()
}

func (b *Book) checkIdleLocked() {
	if b.closed && len(b.ending) == 0 {
		b.endWaitLocked()
	}
}

// endWaitLocked has Close wait no longer.
func (b *Book) endWaitLocked() {
	select {
	case <-b.idle:
	default:
		close(b.idle)
	}
}

// Stats returns the sums up to now.
func (b *Book) Stats() Stats {
	b.mu.Lock()
	sum, all := b.past, b.allLocked()
	sum.Accounts = len(b.accounts)
	b.mu.Unlock()
	for _, a := range all {
		sum.add(a.stats())
	}
	return sum
}

func (b *Book) allLocked() []*Account {
	all := make([]*Account, 0, len(b.accounts)+len(b.ending))
	for _, a := range b.accounts {
		all = append(all, a)
	}
	for a := range b.ending {
		all = append(all, a)
	}
	return all
}

// Close closes all accounts and returns their leases, for as long as ctx lasts, and a minute at most.
// When it returns, nothing of the Book is running, and nobody is resumed any more. The error says
// that some leases were not returned: the counter forfeits them. It may be called twice.
func (b *Book) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	all := b.allLocked()
	for _, a := range all {
		b.endLocked(a)
	}
	b.checkIdleLocked()
	b.mu.Unlock()
	for _, a := range all {
		a.end()
	}
	select {
	case <-b.idle:
	case <-ctx.Done():
	}
	b.halt()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.ending); n > 0 {
		return fmt.Errorf("limits: %d accounts have not returned their leases: %w", n, cmp.Or(context.Cause(ctx), errLate))
	}
	return nil
}

var errLate = errors.New("the counter does not answer")

// halt stops the workers, whatever they do, and waits for them.
func (b *Book) halt() {
	b.cancel()
	b.mu.Lock()
	b.stopped = true
	b.endWaitLocked()
	all := b.allLocked()
	b.mu.Unlock()
	b.wake.Broadcast()
	b.running.Wait()
	for _, a := range all {
		a.timer.Stop()
	}
}

func (b *Book) newID() string { return b.prefix + strconv.FormatInt(b.ids.Add(1), 36) }
