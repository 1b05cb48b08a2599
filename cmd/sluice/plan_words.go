package main

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/analytics/audit"
	"github.com/sluice-gateway/sluice/limits"
)

// planChanges are what differs between the plans of two configurations.
func planChanges(before, after *Config) (changes []audit.Change) {
	note := func(field string, was, is any) {
		if !reflect.DeepEqual(was, is) {
			changes = append(changes, audit.Change{Field: field, Old: was, New: is})
		}
	}
	note("default-plan", before.DefaultPlan, after.DefaultPlan)
	note("anonymous-plan", before.AnonymousPlan, after.AnonymousPlan)
	was, is := plansInWords(before.Plans), plansInWords(after.Plans)
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		note("plans."+name, was[name], is[name])
	}
	return changes
}

// plansInWords says what plans say, by name: a map of words, so that a plan that is not there is nil.
func plansInWords(plans []*limits.Plan) map[string]any {
	all := make(map[string]any, len(plans))
	for _, p := range plans {
		all[p.Name] = planInWords(p)
	}
	return all
}

// planInWords says what a plan says, as in the file that it stands in.
func planInWords(p *limits.Plan) map[string]string {
	words := make(map[string]string)
	for field, terms := range p.Fields {
		words[field] = termsInWords(terms)
	}
	for name, n := range map[string]int{"sessions": p.Sessions, "operations": p.Operations} {
		switch n {
		case 0:
		case math.MaxInt:
			words[name] = unlimited
		default:
			words[name] = strconv.Itoa(n)
		}
	}
	if p.Postpaid {
		words["postpaid"] = "true"
	}
	if p.StopUnrecorded {
		words["unrecorded"] = "stop"
	}
	return words
}

func termsInWords(t limits.Terms) string {
	var words []string
	if t.Quotas != nil {
		for _, q := range *t.Quotas {
			words = append(words, fmt.Sprintf("events: %d per %s", q.Events, q.Window))
		}
		if len(*t.Quotas) == 0 {
			words = append(words, "events: "+unlimited)
		}
	}
	if t.Duration != nil {
		words = append(words, "duration: "+durationInWords(*t.Duration))
	}
	if t.Rate != nil {
		rate := unlimited
		if *t.Rate > 0 {
			rate = strconv.FormatFloat(*t.Rate, 'g', -1, 64)
		}
		words = append(words, "rate: "+rate)
	}
	return strings.Join(words, ", ")
}

func durationInWords(d time.Duration) string {
	if d == 0 {
		return unlimited
	}
	return d.String()
}
