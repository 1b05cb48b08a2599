//go:build !race

package live

import "testing"

func TestADeliveryCostsNoAllocation(t *testing.T) {
	allocations := func(members int) float64 { return testing.AllocsPerRun(200, crowd(t, members)) }
	one, thousand := allocations(1), allocations(1001)
	t.Logf("%v allocations per run with 1 member, %v with 1,001", one, thousand)
	if perMember := (thousand - one) / 1000; perMember > 0.005 {
		t.Errorf("%v allocations per additional member, want 0", perMember)
	}
}
