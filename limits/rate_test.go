package limits_test

import (
	"cmp"
	"math"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestRatesAreChecked(t *testing.T) {
	for name, r := range map[string]limits.Rate{
		"one a second":                     {PerSecond: 1, Burst: 1},
		"one in the longest time":          {PerSecond: 1 / limits.MaxFill.Seconds(), Burst: 1},
		"a part of one":                    {PerSecond: 0.3, Burst: 7},
		"more than one in a nanosecond":    {PerSecond: 1e300, Burst: 1},
		"unlimited":                        limits.UnlimitedRate,
		"unlimited, with a burst":          {PerSecond: math.Inf(1), Burst: 5},
		"a default where none is given":    cmp.Or(limits.Rate{}, limits.Rate{PerSecond: 1, Burst: 1}),
		"a large burst that comes in time": {PerSecond: 1e9, Burst: 1e15},
	} {
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, r := range map[string]limits.Rate{
		"none":                          {},
		"a burst alone":                 {Burst: 5},
		"less than nothing":             {PerSecond: -1, Burst: 5},
		"less than anything":            {PerSecond: math.Inf(-1), Burst: 5},
		"no number":                     {PerSecond: math.NaN(), Burst: 5},
		"no burst":                      {PerSecond: 5},
		"a burst below nothing":         {PerSecond: 5, Burst: -1},
		"an event in an eternity":       {PerSecond: 1e-300, Burst: 1},
		"a burst that does not come":    {PerSecond: 1, Burst: math.MaxInt},
		"a burst that comes a day late": {PerSecond: 1, Burst: 31 * 86400},
	} {
		if err := r.Check(); err == nil || r.IsUnlimited() {
			t.Errorf("%s is a rate", name)
		}
	}
}

func TestAnIntervalIsRoundedUp(t *testing.T) {
	for perSecond, want := range map[float64]time.Duration{
		1:           time.Second,
		3:           333_333_334,
		50:          20 * time.Millisecond,
		1e300:       1,
		math.Inf(1): 0,
	} {
		if got := (limits.Rate{PerSecond: perSecond, Burst: 1}).Interval(); got != want {
			t.Errorf("%v a second: %v, want %v", perSecond, got, want)
		}
	}
}
