package rollup

import (
	"fmt"
	"time"
)

// A Step is a length of time that counts are added up over, in seconds.
type Step int64

// The steps.
const (
	Second Step = 1
	Minute Step = 60
	Hour   Step = 60 * 60
	Day    Step = 24 * 60 * 60
)

// Steps are all of them, the shortest first.
var Steps = [...]Step{Second, Minute, Hour, Day}

var stepNames = map[Step]string{Second: "second", Minute: "minute", Hour: "hour", Day: "day"}

// String is the step's name.
func (s Step) String() string { return stepNames[s] }

// ParseStep reads a step by its name.
func ParseStep(name string) (Step, error) {
	for _, s := range Steps {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is none of second, minute, hour and day", name)
}

// Length is how long the step lasts.
func (s Step) Length() time.Duration { return time.Duration(s) * time.Second }

// Start is the begin of the step that a time is in.
func (s Step) Start(t time.Time) time.Time { return t.UTC().Truncate(s.Length()) }
