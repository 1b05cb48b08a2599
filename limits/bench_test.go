package limits_test

import (
	"sync/atomic"
	"testing"

	"github.com/sluice-gateway/sluice/limits"
)

// A large block keeps the refills out of what is measured; they happen elsewhere.
var wide = limits.Options{Log: quiet.Log, MaxBlock: 1 << 24}

func BenchmarkTake(b *testing.B) {
	quota := limits.Quota{Events: limits.MaxEvents, Window: limits.Month}
	for name, q := range map[string]limits.Quota{"limited": quota, "unlimited": {Events: limits.Unlimited, Window: limits.Month}} {
		b.Run(name, func(b *testing.B) {
			a, taken := warm(b, q), 0
			b.ReportAllocs()
			for b.Loop() {
				if _, v := a.Take(); v == limits.Taken {
					taken++
				}
			}
			b.ReportMetric(float64(taken)/float64(b.N), "taken/op")
		})
		b.Run(name+", in parallel", func(b *testing.B) {
			a := warm(b, q)
			var taken atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				n := int64(0)
				for pb.Next() {
					if _, v := a.Take(); v == limits.Taken {
						n++
					}
				}
				taken.Add(n)
			})
			b.ReportMetric(float64(taken.Load())/float64(b.N), "taken/op")
		})
	}
	b.Run("exhausted", func(b *testing.B) {
		a := open(b, newMemory(), quiet).Open(key, limits.Quota{Events: 1, Window: limits.Month}, limits.Stop)
		takeAll(a)
		for b.Loop() {
			a.Take()
		}
	})
	// What an event costs with everything, blocks of 64 from a counter in the same process included.
	b.Run("with refills", func(b *testing.B) {
		a := open(b, newMemory(), quiet).Open(key, quota, limits.Stop)
		b.ReportAllocs()
		for b.Loop() {
			take(a)
		}
	})
}

// warm returns an account that holds a large block.
func warm(b *testing.B, q limits.Quota) *limits.Account {
	a := open(b, newMemory(), wide).Open(key, q, limits.Stop)
	for range 1 << 22 {
		take(a)
	}
	return a
}
