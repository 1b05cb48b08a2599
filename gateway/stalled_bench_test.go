//go:build linux

package gateway_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/operation"
)

const (
	// each is how many events one run is, and every how often one comes: a third of what two cores can
	// deliver, so that the machine has a moment to spare for others.
	each  = 300
	every = 20 * time.Millisecond
)

// BenchmarkStalledReader has two gateways, each with a thousand sessions. Of one all read, of the other
// 999, and one has stopped. The 999 lose nothing, or it fails. An operation is a run of both, in turns
// of a fifth of a second, for the machine is never quiet; ask for five by -benchtime 5x. The figures are
// medians: of all turns' quantiles of the latencies of the 999, p99 also over that of the same readers of
// the other gateway, and of the heap of both after a run, with the state of their clients. "none" is two
// gateways of which all read: its ratio is what chance does.
func BenchmarkStalledReader(b *testing.B) {
	none := policy{name: "none", query: policies[0].query}
	for _, p := range append([]policy{none}, policies...) {
		b.Run(p.name, func(b *testing.B) {
			const readers, outbox = 1000, 64 // a quarter of the default: it is full two thirds through a run
			alone, beside := gather(b, readers, outbox, p.query), gather(b, readers, outbox, p.query)
			new(figures).turns(alone, beside, 10) // until everything has its size
			var f figures
			for b.Loop() {
				f.run(alone, beside, p)
			}
			f.report(b)
			endings := beside.gateway.Stats().Endings[operation.SlowConsumer.Code]
			b.ReportMetric(float64(endings)/float64(len(f.heap)), "4490/stall")
		})
	}
}

// figures are those of several runs, latencies in milliseconds.
type figures struct {
	alone, p50, p99 []float64 // p99 of the gateway of which all read, and both of the other one
	heap            []float64 // MiB
	lost            int       // events, to those that stalled
}

// run has the first reader of one gateway stall, unless the policy is none.
func (f *figures) run(alone, beside *crowd, p policy) {
	beside.Helper()
	stalls := p.waits != nil
	if stalls {
		beside.stall()
	}
	f.turns(alone, beside, each/rooms)
	f.heap = append(f.heap, heap())
	if stalls {
		f.lost += beside.goOn(p)
	}
}

func (f *figures) turns(alone, beside *crowd, n int) {
	beside.Helper()
	for range n {
		_, p99 := alone.turn()
		f.alone = append(f.alone, p99)
		p50, p99 := beside.turn()
		f.p50, f.p99 = append(f.p50, p50), append(f.p99, p99)
	}
}

// turn publishes an event of each room, at a steady pace, until everybody who reads has them: should the
// machine pause, no event of the latest meets another one of its room. It returns quantiles of how long
// they took to the others, in milliseconds.
func (c *crowd) turn() (p50, p99 float64) {
	c.Helper()
	c.took = c.took[:0]
	begin := time.Now()
	for n := range rooms {
		c.publish()
		c.readUntil(begin.Add(time.Duration(n+1) * every))
	}
	c.catchUp()
	slices.Sort(c.took)
	quantile := func(percent int) float64 {
		return float64(c.took[len(c.took)*percent/100]) / float64(time.Millisecond)
	}
	return quantile(50), quantile(99)
}

func (f *figures) report(b *testing.B) {
	p99 := median(f.p99)
	b.ReportMetric(0, "ns/op") // it is how long a run is
	b.ReportMetric(median(f.p50), "p50-ms")
	b.ReportMetric(p99, "p99-ms")
	b.ReportMetric(p99/median(f.alone), "p99-ratio")
	b.ReportMetric(median(f.heap), "heap-MiB")
	b.ReportMetric(float64(f.lost)/float64(len(f.heap)), "lost/stall")
}

func median(of []float64) float64 {
	slices.Sort(of)
	return (of[(len(of)-1)/2] + of[len(of)/2]) / 2
}

// heap is what is in use, in MiB.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}
