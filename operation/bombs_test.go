package operation_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/bombs"
	"github.com/sluice-gateway/sluice/operation"
)

// What one hostile request may take.
const (
	bombTime  = 25 * time.Millisecond
	bombBytes = 8 << 20
)

func requestOf(b bombs.Bomb) operation.Request {
	return operation.Request{Query: b.Query, OperationName: b.Operation, Variables: b.Variables}
}

func TestEveryBombIsRefusedQuickly(t *testing.T) {
	b := newBench(t, operation.Options{})
	all := bombs.All()
	if len(all) < 40 {
		t.Errorf("only %d bombs", len(all))
	}
	names := make(map[string]bool)
	for _, bomb := range all {
		if names[bomb.Name] {
			t.Errorf("two bombs are called %q", bomb.Name)
		}
		names[bomb.Name] = true
		t.Run(bomb.Name, func(t *testing.T) {
			took, bytes := time.Hour, uint64(0)
			for range 5 { // the machine is shared: the quickest run tells most
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				_, errs := b.engine.Prepare(t.Context(), requestOf(bomb))
				took = min(took, time.Since(start))
				runtime.ReadMemStats(&after)
				bytes = after.TotalAlloc - before.TotalAlloc
				if errs == nil {
					t.Fatal("it was accepted")
				}
				if code := operation.Code(errs); code != bomb.Code {
					t.Fatalf("code %s, want %s: %.300v", code, bomb.Code, errs)
				}
				for _, err := range errs {
					if len(err.Message) > 2000 {
						t.Fatalf("the message has %d bytes", len(err.Message))
					}
				}
				if took < bombTime {
					break
				}
			}
			if took > bombTime*patience {
				t.Errorf("it took %v", took)
			}
			if bytes > bombBytes {
				t.Errorf("it allocated %d bytes", bytes)
			}
			t.Logf("%v, %d KiB", took, bytes>>10)
		})
	}
}

func BenchmarkBombs(b *testing.B) {
	bench := newBench(b, operation.Options{})
	all := bombs.All()
	best := make([]time.Duration, len(all)) // of every bomb: the machine is shared
	b.ReportAllocs()
	for b.Loop() {
		for i, bomb := range all {
			start := time.Now()
			_, _ = bench.engine.Prepare(b.Context(), requestOf(bomb))
			if took := time.Since(start); best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	worst := slices.Max(best)
	b.ReportMetric(float64(worst.Microseconds()), "µs/worst")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(all)), "µs/bomb")
	b.Logf("%d bombs, the worst: %s", len(all), all[slices.Index(best, worst)].Name)
}
