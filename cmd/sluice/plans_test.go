package main

import (
	"strings"
	"testing"
)

func TestWhatBecomesOfAPlanWhoseUsageCannotBeKept(t *testing.T) {
	for _, c := range []struct {
		name, file string
		flags      []string
		stop       bool
		wrong      string
	}{
		{name: "it goes on where nobody says", file: "plans:\n  free: {sessions: 5}\n"},
		{name: "it goes on", file: "plans:\n  free: {unrecorded: continue}\n"},
		{name: "it stops", file: "plans:\n  free: {unrecorded: stop}\n", stop: true},
		{name: "another word", file: "plans:\n  free: {unrecorded: true}\n", wrong: "plans: free: unrecorded: give stop or continue"},
		{name: "nothing", file: "plans:\n  free: {unrecorded: }\n", wrong: "give stop or continue"},
		{name: "a list", file: "plans:\n  free: {unrecorded: [stop]}\n", wrong: "give stop or continue"},
		{
			name: "a plan that stops, and nobody keeps usage", file: "plans:\n  free: {unrecorded: stop}\n", flags: []string{"--usage", "off"},
			wrong: "plans: free: unrecorded: stop needs usage to be kept",
		},
		{name: "a plan that goes on where nobody keeps usage", file: "plans:\n  free: {unrecorded: continue}\n", flags: []string{"--usage", "off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := load(t, c.flags, nil, c.file)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Fatalf("the error is %v, want one with %q", err, c.wrong)
			}
			if err != nil {
				return
			}
			plans, err := config.plans()
			if err != nil {
				t.Fatal(err)
			}
			if plan, err := plans.Of("free"); err != nil || plan.StopUnrecorded != c.stop || len(plan.Fields) != 0 {
				t.Errorf("the plan is %+v (%v)", plan, err)
			}
		})
	}
}
