package limits

import (
	"fmt"
	"math"
)

// Unlimited is the number of events of a quota without an end. It is a word: 0 is no quota.
const Unlimited int64 = math.MaxInt64

// MaxEvents is the largest quota that is counted, for every counter can hold it exactly: Lua, in
// Redis, knows no larger integers.
const MaxEvents int64 = 1<<53 - 1

// A Quota is how many events may be consumed in a window.
type Quota struct {
	Events int64 // 1 to MaxEvents, or Unlimited
	Window Window
}

// Check returns an error that says what is wrong with q, or nil.
func (q Quota) Check() error {
	if q.Events != Unlimited && (q.Events < 1 || q.Events > MaxEvents) {
		return fmt.Errorf("limits: a quota of %d events; it must be 1 to %d, or unlimited", q.Events, MaxEvents)
	}
	if !q.Window.valid() {
		return fmt.Errorf("limits: a quota for the window %v", q.Window)
	}
	return nil
}
