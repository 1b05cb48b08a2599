//go:build !race

package operation_test

import "testing"

// Without the race detector, under which a sync.Pool forgets what it holds now and then.
func TestAnAdditionalMemberCostsNoAllocation(t *testing.T) {
	allocations := func(members int) float64 {
		publish := fanOut(t, members)
		publish()
		return testing.AllocsPerRun(200, publish)
	}
	one, thousand := allocations(1), allocations(1001)
	t.Logf("allocations per event: %v with 1 member, %v with 1,001", one, thousand)
	if perMember := (thousand - one) / 1000; perMember > 0.005 {
		t.Errorf("%v allocations per additional member, want 0", perMember)
	}
}
