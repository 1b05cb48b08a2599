//go:build !race

package operation_test

import "testing"

func TestCountingCostsAMemberNoAllocation(t *testing.T) {
	allocations := func(c *crowd) float64 {
		c.publish()
		return testing.AllocsPerRun(200, c.publish)
	}
	with, without := allocations(gatherCounted(t, 1001)), allocations(gather(t, "message", 1001))
	t.Logf("%v allocations per event with 1,001 members that are counted, %v with others", with, without)
	if with-without >= 1 {
		t.Errorf("%v allocations per event more than without, want 0", with-without)
	}
}
