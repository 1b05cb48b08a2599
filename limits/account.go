package limits

import (
	"sync"
	"sync/atomic"
	"time"
)

// A mood is what Take does when nothing is left.
type mood uint32

const (
	hoping    mood = iota // more is, or can be, asked for
	exhausted             // the counter has nothing
	stopped               // the counter does not answer
	going                 // the same, and the fallback is GoOn
	unbounded             // the quota is unlimited
	shut                  // the account is closed
)

// An Account spends the leases of one key on this node, for everyone who has opened it. Its methods
// may be called concurrently.
type Account struct {
	book *Book
	key  string

	// What is left of the leases, in the lower half, and the Term that it belongs to. Everybody
	// takes from it; only a holder of mu adds to it or changes the Term.
	word   atomic.Uint64
	low    atomic.Uint32 // what may be left when the next lease is asked for
	asked  atomic.Bool   // a lease is asked for, or need not be: a step looks at it again
	mood   atomic.Uint32
	missed atomic.Bool // somebody was told Exhausted
	free   atomic.Int64
	over   atomic.Int64 // overdraft

	mu       sync.Mutex // guards what follows, and is taken before the Book's
	quota    Quota
	fallback Fallback
	holdings holdings
	waiters  map[Waiter]struct{}
	refill   refill
	sums     Stats
	timer    *time.Timer
	closed   time.Time // when it was; zero: it is open

	seat seat // guarded by the Book's lock
}

func newAccount(b *Book, key string) *Account {
	a := &Account{book: b, key: key, waiters: make(map[Waiter]struct{})}
	a.refill.size = 1
	a.word.Store(1 << 32)
	a.timer = time.AfterFunc(time.Hour, a.tick)
	a.timer.Stop()
	return a
}

// Key is what the account was opened by.
func (a *Account) Key() string { return a.key }

// Take takes one event. Taken comes with the Term for Give.
func (a *Account) Take() (Term, Verdict) {
	for {
		w := a.word.Load()
		left := uint32(w)
		if left == 0 {
			return a.takeElsewhere()
		}
		if !a.word.CompareAndSwap(w, w-1) {
			continue
		}
		if left-1 <= a.low.Load() && !a.asked.Load() {
			a.ask()
		}
		return Term(w >> 32), Taken
	}
}

func (a *Account) takeElsewhere() (Term, Verdict) {
	switch mood(a.mood.Load()) {
	case exhausted:
		if !a.missed.Load() { // or all who ask would write to it
			a.missed.Store(true)
		}
		return 0, Exhausted
	case stopped, shut:
		return 0, Unavailable
	case going:
		a.over.Add(1)
		return overdrawn, Taken
	case unbounded:
		a.free.Add(1)
		return unmetered, Taken
	}
	a.ask()
	return 0, Pending
}

// ask has the Book look for a lease.
func (a *Account) ask() {
	if a.asked.CompareAndSwap(false, true) {
		a.book.submit(a)
	}
}

// Give gives back n events that were taken in term and not delivered, and returns how many of them
// can be taken again: none once the term is over, for its leases are gone. Of several terms the
// caller may name the oldest. In a sliding window none that are charged by now either, for those
// count at the time they were charged.
func (a *Account) Give(term Term, n int64) int64 {
	switch {
	case n <= 0:
		return 0
	case term == overdrawn:
		return withdraw(&a.over, n)
	case term == unmetered:
		return withdraw(&a.free, n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.word.Load()
	if Term(w>>32) != term {
		return 0
	}
	n = min(n, a.holdings.room(int64(uint32(w))))
	a.word.Add(uint64(n))
	a.sums.GivenBack += n
	return n
}

// withdraw takes up to n from a sum.
func withdraw(sum *atomic.Int64, n int64) int64 {
	for {
		all := sum.Load()
		n = min(n, all)
		if sum.CompareAndSwap(all, all-n) {
			return n
		}
	}
}

// Wait has w resumed once, when Take may answer otherwise than Pending: at once if that is so by now.
// A w that waits already does not wait twice. Nobody has to wait: asking again later is the same.
func (a *Account) Wait(w Waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiters[w] = struct{}{}
	if !a.pending() || a.asked.CompareAndSwap(false, true) {
		a.book.submit(a)
	}
}

// pending reports whether Take would answer Pending.
func (a *Account) pending() bool {
	return uint32(a.word.Load()) == 0 && mood(a.mood.Load()) == hoping
}

// State returns what is known now, without asking anybody.
func (a *Account) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := State{Limit: a.quota.Events, Remaining: a.quota.Events, ResetAt: a.refill.resetAt}
	if a.refill.known && s.Limit != Unlimited {
		s.Remaining = min(s.Limit, a.refill.left+int64(uint32(a.word.Load())))
	}
	s.Exhausted = uint32(a.word.Load()) == 0 && mood(a.mood.Load()) == exhausted
	return s
}

// Overdraft is how many events were taken beyond the leases.
func (a *Account) Overdraft() int64 { return a.over.Load() }

// SetQuota changes the quota, for all who have opened the account. It holds from the next Take:
// what was leased of a larger one is returned.
func (a *Account) SetQuota(q Quota) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setLocked(q, a.fallback)
}

// setLocked changes what the account spends, and what it does when it cannot.
func (a *Account) setLocked(q Quota, f Fallback) {
	before := a.quota
	a.quota, a.fallback = q, f
	if !a.closed.IsZero() {
		return
	}
	if m := mood(a.mood.Load()); m == stopped || m == going {
		a.mood.Store(uint32(a.awayMood()))
	}
	if before == q {
		return
	}
	if q.Window != before.Window || q.Events < before.Events || q.Events == Unlimited {
		a.endTermLocked()
	}
	a.refill.forget()
	switch {
	case q.Events == Unlimited:
		a.mood.Store(uint32(unbounded))
	case a.refill.failures > 0:
		a.mood.Store(uint32(a.awayMood()))
	default:
		a.mood.Store(uint32(hoping))
	}
	a.asked.Store(q.Events != Unlimited)
	a.book.submit(a)
}

func (a *Account) awayMood() mood {
	if a.fallback == GoOn {
		return going
	}
	return stopped
}

// Close ends one Open, and is called once for each. The last one returns what is left of the leases,
// in the background.
func (a *Account) Close() {
	if a.book.leave(a) {
		a.end()
	}
}

// end closes the account for everyone. Later calls do nothing.
func (a *Account) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed.IsZero() {
		return
	}
	a.closed = time.Now()
	a.mood.Store(uint32(shut))
	a.endTermLocked()
	if id := a.refill.unanswered.ID; id != "" { // it may have been granted
		a.holdings.over = append(a.holdings.over, holding{id: id})
	}
	a.book.submit(a)
}

// endTermLocked leaves nothing to take, and has every lease returned.
func (a *Account) endTermLocked() {
	for {
		w := a.word.Load()
		next := max(1, (w>>32+1)%uint64(unmetered))
		if a.word.CompareAndSwap(w, next<<32) {
			a.sums.Stranded += a.holdings.end(int64(uint32(w)))
			return
		}
	}
}
