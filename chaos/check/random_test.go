package check

import "testing"

func TestWhatIsRightIsAccepted(t *testing.T) {
	warnings := 0
	for seed := range uint64(1000) {
		found := Run(history(seed))
		for _, f := range Breaches(found) {
			t.Fatalf("history %d: %v", seed, f)
		}
		warnings += len(found)
	}
	t.Logf("%d gaps were told of which nothing came", warnings)
}

// Each mutation is tried until it has spoilt this many histories.
const spoilt = 50

func TestEveryMutationIsCaught(t *testing.T) {
	if len(mutations) < 30 {
		t.Fatalf("there are %d mutations", len(mutations))
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			kinds, done := make(map[string]int), 0
			for seed := uint64(0); done < spoilt; seed++ {
				if seed > 50*spoilt {
					t.Fatalf("only %d histories can be spoilt so", done)
				}
				h := history(seed)
				before := 0
				if m.warning {
					before = len(Run(h))
				}
				s := &spoiler{Rand: rng(seed), h: &h}
				if !m.spoil(s) {
					continue
				}
				done++
				found := Run(h)
				if len(Breaches(found)) == 0 && (!m.warning || len(found) == before) {
					t.Fatalf("history %d: nothing is found", seed)
				}
				for kind := range Count(found) {
					kinds[kind]++
				}
			}
			t.Log(kinds)
		})
	}
}
