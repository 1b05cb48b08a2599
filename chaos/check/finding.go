package check

import (
	"fmt"
	"strings"
	"time"
)

// What can be found. All but NeedlessGap are breaches of what is promised.
const (
	Lost        = "lost"         // acknowledged, or seen by others, and missing without a gap that was told
	Duplicated  = "duplicated"   // here twice
	Reordered   = "reordered"    // after a later one
	Invented    = "invented"     // nobody has published it
	Misplaced   = "misplaced"    // its position does not follow the one before, or is another's
	Miscounted  = "miscounted"   // usage is not what arrived
	NeedlessGap = "needless gap" // a gap was told, and the log has all that is missing: a warning
)

// Kinds are all kinds of findings, in the order of reports.
var Kinds = []string{Lost, Duplicated, Reordered, Invented, Misplaced, Miscounted, NeedlessGap}

// A Finding is one thing that is wrong.
type Finding struct {
	Kind   string
	Client string // empty: the publishers' log, or a stream
	Topic  string
	ID     // zero: of no event
	At     time.Time
	Detail string
}

// String is the finding in one line.
func (f Finding) String() string {
	words := []string{f.Kind}
	for _, word := range []string{f.Client, f.Topic} {
		if word != "" {
			words = append(words, word)
		}
	}
	if f.ID != (ID{}) {
		words = append(words, fmt.Sprintf("%d/%d", f.Lane, f.Number))
	}
	return strings.Join(words, " ") + ": " + f.Detail
}

// Breaches leaves out the warnings.
func Breaches(all []Finding) []Finding {
	var kept []Finding
	for _, f := range all {
		if f.Kind != NeedlessGap {
			kept = append(kept, f)
		}
	}
	return kept
}

// Count says how many findings there are of each kind.
func Count(all []Finding) map[string]int {
	counts := make(map[string]int)
	for _, f := range all {
		counts[f.Kind]++
	}
	return counts
}
