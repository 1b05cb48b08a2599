package limits

import "time"

// A Verdict is what Account.Take answers.
type Verdict uint8

// The verdicts.
const (
	// Pending: nothing is leased at this moment, and more is asked for. See Account.Wait.
	Pending Verdict = iota
	// Taken: one event may be delivered.
	Taken
	// Exhausted: the quota is used up. See State.ResetAt.
	Exhausted
	// Unavailable: nothing is leased and the counter does not answer, or the account is closed.
	Unavailable
)

var verdictNames = [...]string{Pending: "pending", Taken: "taken", Exhausted: "exhausted", Unavailable: "unavailable"}

// String is the verdict's name.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// A Fallback is what an account does when its leases are spent and its counter does not answer.
type Fallback uint8

// The fallbacks.
const (
	// Stop: Take answers Unavailable until the counter is back.
	Stop Fallback = iota
	// GoOn: Take answers Taken. Such events are counted on this node only, see Account.Overdraft.
	GoOn
)

// A Term is the time in which an account spends the same leases: a window, or a part of it. It says
// where a taken event can be given back. The zero Term is none.
type Term uint32

// Terms that are no terms: what was taken came from no lease.
const (
	overdrawn Term = 1<<32 - 1
	unmetered Term = 1<<32 - 2
)

// A Waiter waits for a refill. It must be comparable, such as a pointer.
type Waiter interface {
	// Resume says that Take may answer otherwise now. It runs on one of the Book's few goroutines
	// and must return soon. It may call anything of the Account but not wait for the Book.
	Resume()
}

// A State is what is known of an account at one moment.
type State struct {
	Limit     int64     // the quota's events; may be Unlimited
	Remaining int64     // events of the whole quota that nobody has, and those that this node has
	ResetAt   time.Time // by the counter's clock; zero until the counter has answered
	Exhausted bool      // Take answers so
}
