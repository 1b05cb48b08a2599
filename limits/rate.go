package limits

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Rate is how many events, or requests, may pass: so many a second, and after a pause a burst of
// them at once. It is plain data; a bucket counts what passes. The zero Rate is none: whoever is given
// it puts a default in its place, which cmp.Or does.
type Rate struct {
	PerSecond float64 // more than 0; infinite: unlimited
	Burst     int     // at least 1; of an unlimited rate it does not matter
}

// UnlimitedRate lets everything pass. It is a word: 0 is no rate.
var UnlimitedRate = Rate{PerSecond: math.Inf(1)}

// MaxFill is how long a bucket may take until it is full again. What is rarer is a Quota.
const MaxFill = 30 * 24 * time.Hour

// IsUnlimited reports whether everything passes.
func (r Rate) IsUnlimited() bool { return math.IsInf(r.PerSecond, 1) }

// Check returns an error that says what is wrong with r, or nil. A rate that fails lets nothing pass
// when it has no events a second; another is held to as far as that can be.
func (r Rate) Check() error {
	switch {
	case r.IsUnlimited():
		return nil
	case math.IsNaN(r.PerSecond):
		return errors.New("limits: a rate that is no number of events a second")
	case r.PerSecond <= 0:
		return fmt.Errorf("limits: a rate of %v events a second; it must be more than 0, or unlimited", r.PerSecond)
	case r.Burst < 1:
		return fmt.Errorf("limits: a burst of %d events; it must be 1 or more", r.Burst)
	case float64(r.Burst)/r.PerSecond > MaxFill.Seconds():
		return fmt.Errorf("limits: a burst of %d at %v events a second does not come again within %v", r.Burst, r.PerSecond, MaxFill)
	}
	return nil
}

// never is an interval that does not end, and small enough to be added to any time.
const never = math.MaxInt64 / 4

// Interval is how long one event takes to come, rounded up: whoever counts by it exceeds no rate.
// Without a limit it is 0.
func (r Rate) Interval() time.Duration {
	switch {
	case r.IsUnlimited():
		return 0
	case !(r.PerSecond > 0):
		return never
	}
	return time.Duration(math.Ceil(min(float64(time.Second)/r.PerSecond, never)))
}
