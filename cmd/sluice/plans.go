package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-gateway/sluice/limits"
)

// plans are what consumers can buy.
func (c *Config) plans() (*limits.Plans, error) {
	return limits.NewPlans(c.Plans, c.DefaultPlan, c.AnonymousPlan)
}

// readPlans reads the section of plans: names, and under each what it says of fields and settings
// of its own.
//
//	plans:
//	  free:
//	    priceChanged: {events: 10000, per: DAY, duration: 1h, rate: 20}
//	    sessions: 5
//	    operations: 50
//	    postpaid: false
//	    unrecorded: continue
func (c *Config) readPlans(node ast.Node) error {
	section, ok := node.(ast.MapNode)
	if !ok {
		return errors.New("plans: write `name:` and under it what the plan says")
	}
	var bad []error
	for all := section.MapRange(); all.Next(); {
		plan, err := readPlan(all.Key().GetToken().Value, all.Value())
		if err != nil {
			bad = append(bad, fmt.Errorf("plans: %s: %w", all.Key().GetToken().Value, err))
			continue
		}
		c.Plans = append(c.Plans, plan)
	}
	return errors.Join(bad...)
}

func readPlan(name string, node ast.Node) (*limits.Plan, error) {
	plan := &limits.Plan{Name: name, Fields: make(map[string]limits.Terms)}
	if _, empty := node.(*ast.NullNode); empty {
		return plan, nil
	}
	members, ok := node.(ast.MapNode)
	if !ok {
		return nil, errors.New("write `field: {events: 1000, per: DAY}` under it, sessions: 5, operations: 50, postpaid: true, or unrecorded: stop")
	}
	var bad []error
	for all := members.MapRange(); all.Next(); {
		key := all.Key().GetToken().Value
		var err error
		switch key {
		case "postpaid":
			err = yaml.NodeToValue(all.Value(), &plan.Postpaid)
		case "unrecorded":
			plan.StopUnrecorded, err = readUnrecorded(all.Value())
		case "sessions":
			plan.Sessions, err = readCount(all.Value())
		case "operations":
			plan.Operations, err = readCount(all.Value())
		default:
			plan.Fields[key], err = readTerms(all.Value())
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", key, err))
		}
	}
	return plan, errors.Join(bad...)
}

// readUnrecorded reads what becomes of consumers while their usage cannot be kept.
func readUnrecorded(node ast.Node) (stop bool, err error) {
	switch node.GetToken().Value {
	case "stop":
		return true, nil
	case "continue":
		return false, nil
	}
	return false, errors.New("give stop or continue")
}

// checkRecorded says which plans stop where usage is kept for nobody: their consumers have asked for a
// record that there is not.
func (c *Config) checkRecorded() error {
	var bad []error
	for _, plan := range c.Plans {
		if plan.StopUnrecorded && c.Usage == "off" {
			bad = append(bad, fmt.Errorf("plans: %s: unrecorded: stop needs usage to be kept, and the setting usage is off", plan.Name))
		}
	}
	return errors.Join(bad...)
}

// readCount reads a number above 0, or unlimited.
func readCount(node ast.Node) (int, error) {
	var c count
	err := c.UnmarshalText([]byte(node.GetToken().Value))
	return int(c), err
}

// termsSection is what a plan says about a field, as the file writes it.
type termsSection struct {
	Events   *string `yaml:"events"`
	Per      string  `yaml:"per"`
	Duration *string `yaml:"duration"`
	Rate     *string `yaml:"rate"`
}

// readTerms reads one set of terms, or a list of them, as for a quota a minute and one a day.
func readTerms(node ast.Node) (limits.Terms, error) {
	var parts []termsSection
	if _, isList := node.(*ast.SequenceNode); isList {
		if err := yaml.NodeToValue(node, &parts, yaml.DisallowUnknownField()); err != nil {
			return limits.Terms{}, errTerms
		}
	} else {
		var one termsSection
		if err := yaml.NodeToValue(node, &one, yaml.DisallowUnknownField()); err != nil {
			return limits.Terms{}, errTerms
		}
		parts = []termsSection{one}
	}
	var t limits.Terms
	for _, part := range parts {
		if err := part.addTo(&t); err != nil {
			return t, err
		}
	}
	return t, t.Apply(limits.Budget{}).Check()
}

var errTerms = errors.New("write {events: 1000, per: DAY, duration: 1h, rate: 20}, any of them, or a list of such; or unlimited in place of a number")

func (s termsSection) addTo(t *limits.Terms) error {
	if s.Events == nil && s.Duration == nil && s.Rate == nil {
		return errTerms
	}
	if s.Events != nil {
		quotas, err := s.quotas()
		if err != nil {
			return err
		}
		if t.Quotas != nil {
			quotas = append(*t.Quotas, quotas...)
		}
		t.Quotas = &quotas
	}
	if s.Duration != nil {
		var d time.Duration
		if *s.Duration != unlimited {
			var err error
			if d, err = time.ParseDuration(*s.Duration); err != nil || d <= 0 {
				return errors.New("duration is a time such as 30s or 1h, or unlimited")
			}
		}
		t.Duration = &d
	}
	if s.Rate != nil {
		var r float64
		if *s.Rate != unlimited {
			var err error
			if r, err = strconv.ParseFloat(*s.Rate, 64); err != nil || !(r > 0) {
				return errors.New("rate is a number of events a second above 0, or unlimited")
			}
		}
		t.Rate = &r
	}
	return nil
}

func (s termsSection) quotas() ([]limits.Quota, error) {
	if *s.Events == unlimited {
		return nil, nil
	}
	n, err := strconv.ParseInt(*s.Events, 10, 64)
	if err != nil || n < 1 {
		return nil, errors.New("events is a number above 0, or unlimited")
	}
	window, err := limits.ParseWindow(s.Per)
	if err != nil {
		return nil, err
	}
	return []limits.Quota{{Events: n, Window: window}}, nil
}
