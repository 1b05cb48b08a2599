package operation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/share"
)

// gatherCounted makes members of one group that are counted and timed as in a gateway.
func gatherCounted(t testing.TB, members int) *crowd {
	t.Helper()
	recorder := analytics.NewRecorder(analytics.Options{})
	metrics := prom.New(recorder)
	return gatherWith(t, operation.Options{
		Recorder: recorder,
		Share: share.Options{Observe: func(s share.Step) {
			metrics.Executed(s.Field, s.Executed)
		}, Written: metrics.Written},
	}, "message", members)
}

// BenchmarkCountedFanOut is BenchmarkFanOut for members that are counted and timed, and for as many that
// are not: one event after the other, for what a machine does changes with time. What the sockets of a
// gateway cost is not part of it: they take ten times as long as what is measured here.
func BenchmarkCountedFanOut(b *testing.B) {
	for _, members := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			crowds := []*crowd{gather(b, "message", members), gatherCounted(b, members)}
			var took [2]time.Duration
			publish := func(i int) {
				began := time.Now()
				crowds[i].publish()
				took[i] += time.Since(began)
			}
			b.ReportAllocs()
			for b.Loop() {
				publish(0)
				publish(1)
			}
			deliveries := float64(b.N * members)
			b.ReportMetric(float64(took[0])/deliveries, "ns/delivery")
			b.ReportMetric(float64(took[1])/deliveries, "ns/counted-delivery")
			b.ReportMetric(100*float64(took[1]-took[0])/float64(took[0]), "%more")
		})
	}
}
