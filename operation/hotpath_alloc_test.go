//go:build !race

package operation_test

import "testing"

// Without the race detector, under which a sync.Pool forgets what it holds now and then.
func TestAnAdditionalMemberCostsNoAllocation(t *testing.T) {
	for _, field := range []string{"message", "recent", "latest"} {
		allocations := func(members int) float64 {
			c := gather(t, field, members)
			c.publish()
			return testing.AllocsPerRun(200, c.publish)
		}
		one, thousand := allocations(1), allocations(1001)
		t.Logf("%s: %v allocations per event with 1 member, %v with 1,001", field, one, thousand)
		if perMember := (thousand - one) / 1000; perMember > 0.005 {
			t.Errorf("%s: %v allocations per additional member, want 0", field, perMember)
		}
	}
}

func TestAMemberThatStallsCostsNoAllocation(t *testing.T) {
	for _, field := range []string{"recent", "latest"} {
		c := gather(t, field, 1)
		c.publish()
		without := testing.AllocsPerRun(200, c.publish)
		c.stall()
		if with := testing.AllocsPerRun(200, c.publish); with > without {
			t.Errorf("%s: %v allocations per event, %v without", field, with, without)
		}
	}
}

func TestAQuotaCostsAMemberNoAllocation(t *testing.T) {
	allocations := func(members int) float64 {
		c := gatherMetered(t, members)
		least := testing.AllocsPerRun(200, c.publish)
		for range 2 { // whose lease is refilled in the meantime allocates, too
			least = min(least, testing.AllocsPerRun(200, c.publish))
		}
		return least
	}
	one, thousand := allocations(1), allocations(1001)
	t.Logf("%v allocations per event with 1 member, %v with 1,001", one, thousand)
	if perMember := (thousand - one) / 1000; perMember > 0.005 {
		t.Errorf("%v allocations per additional member that has a quota, want 0", perMember)
	}
}
