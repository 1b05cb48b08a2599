package operation_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
)

// TestWhatIsWrongWithAHistoryIsFound changes what one client of a history has, as a gateway with a mistake would
// have: the model must find it.
func TestWhatIsWrongWithAHistoryIsFound(t *testing.T) {
	const wanted = histories / 200
	for _, tt := range []struct {
		name  string
		least int // results that are new to the client
		spoil func(*listener, *rand.Rand, []heard) []heard
	}{
		{"a result is missing", 1, func(_ *listener, r *rand.Rand, got []heard) []heard {
			i := r.IntN(len(got))
			return slices.Delete(got, i, i+1)
		}},
		{"a result comes twice", 1, func(_ *listener, r *rand.Rand, got []heard) []heard {
			i := r.IntN(len(got))
			return slices.Insert(got, i, got[i])
		}},
		{"two results change their places", 2, func(_ *listener, r *rand.Rand, got []heard) []heard {
			i := r.IntN(len(got) - 1)
			got[i], got[i+1] = got[i+1], got[i]
			return got
		}},
		{"a result is another subscription's", 1, func(_ *listener, r *rand.Rand, got []heard) []heard {
			got[r.IntN(len(got))].text = "kept.4/0/1"
			return got
		}},
		{"a result is nobody's", 1, func(_ *listener, r *rand.Rand, got []heard) []heard {
			got[r.IntN(len(got))].text += "0"
			return got
		}},
		{"a cursor is that of the result before", 2, func(_ *listener, r *rand.Rand, got []heard) []heard {
			i := r.IntN(len(got) - 1)
			got[i+1].cursor = got[i].cursor
			return got
		}},
		{"a result has no cursor", 1, func(_ *listener, r *rand.Rand, got []heard) []heard {
			got[r.IntN(len(got))].cursor = ""
			return got
		}},
		{"a gap is told where there is none", 0, func(l *listener, _ *rand.Rand, got []heard) []heard {
			l.ended, l.errs = true, gqlerror.List{operation.Errorf(operation.CodeResumeGap, "it is said")}
			return got
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for seed, spoilt := uint64(0), 0; spoilt < wanted; seed++ {
				done := false
				_, failure := tellHistory(t, seed, func(h *history) {
					chance := rand.New(rand.NewPCG(seed, 14))
					h.spoil = func(l *listener) {
						if done || !l.goesOn() || len(l.got)-l.checked < tt.least || chance.IntN(4) > 0 {
							return
						}
						done = true
						l.got = append(l.got[:l.checked:l.checked], tt.spoil(l, chance, slices.Clone(l.got[l.checked:]))...)
					}
				})
				if done {
					spoilt++
				}
				if done != (failure != nil) {
					t.Fatalf("history %d is spoilt: %v, and found is %v", seed, done, failure)
				}
			}
		})
	}
}

// TestAGapThatNobodyIsToldIsFound keeps the error from a client whose place is lost.
func TestAGapThatNobodyIsToldIsFound(t *testing.T) {
	for seed, spoilt := uint64(0), 0; spoilt < histories/200; seed++ {
		done := false
		_, failure := tellHistory(t, seed, func(h *history) {
			h.spoil = func(l *listener) {
				if l.ended && !l.left && !l.full && l.conn.cut == nil {
					l.ended, done = false, true
				}
			}
		})
		if done {
			spoilt++
		}
		if done != (failure != nil) {
			t.Fatalf("history %d is spoilt: %v, and found is %v", seed, done, failure)
		}
	}
}

// goesOn reports whether a client is to have everything.
func (l *listener) goesOn() bool {
	return !l.left && !l.done && !l.ended && !l.full && !l.barred && l.conn.cut == nil
}
