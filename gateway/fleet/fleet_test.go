package fleet_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/gateway/fleet"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A runner is an operation that notes why it was dismissed.
type runner struct {
	labels    analytics.Labels
	release   chan struct{} // its labels are told once this is closed; nil: at once
	dismissed string
}

func (r *runner) Labels() analytics.Labels {
	if r.release != nil {
		<-r.release
	}
	return r.labels
}

func (r *runner) Dismiss(why string) { r.dismissed = why }

// begin has an operation run. The first one of a recorder has the number 1.
func begin(recorder *analytics.Recorder, r *runner) {
	recorder.Begin(new(analytics.Record), r.labels, r)
}

// join returns a node that is closed with the test, and what runs on it.
func join(t *testing.T, broker pubsub.Broker, node string) (*fleet.Fleet, *analytics.Recorder) {
	t.Helper()
	recorder := analytics.NewRecorder(analytics.Options{})
	f, err := fleet.Join(broker, fleet.Options{
		Node: node, Recorder: recorder, State: func() fleet.State { return fleet.State{} }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, recorder
}

func TestOperationsEndWhileManyAskWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.New()
		a, onA := join(t, broker, "a")
		b, onB := join(t, broker, "b")
		time.Sleep(3 * time.Second)
		hangs := &runner{release: make(chan struct{})}
		prices := []*runner{{labels: analytics.Labels{Operation: "Prices"}}, {labels: analytics.Labels{Operation: "Prices"}}}
		for i, recorder := range []*analytics.Recorder{onA, onB} {
			begin(recorder, hangs)
			begin(recorder, prices[i])
		}
		var flood sync.WaitGroup
		for range 100 { // of which each takes a seat of either node, where there is one
			flood.Go(func() { _, _ = a.Runs(context.Background(), analytics.RunQuery{First: 20}) })
			flood.Go(func() { _, _ = b.Runs(context.Background(), analytics.RunQuery{First: 20}) })
		}
		synctest.Wait()
		began := time.Now()
		for i := range 100 {
			id := []string{"a.2", "b.2"}[i%2]
			why := fmt.Sprint("enough ", i)
			if run, err := a.Dismiss(t.Context(), id, why); err != nil || run.Labels.Operation != "Prices" || prices[i%2].dismissed != why {
				t.Fatalf("%s: %+v, %v, dismissed for %q", id, run, err, prices[i%2].dismissed)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		close(hangs.release)
		flood.Wait()
	})
}

func TestAnAnswerFits(t *testing.T) {
	for name, test := range map[string]struct {
		char  string
		least int // that are listed
	}{
		"names that JSON for HTML would escape are told whole": {char: "<", least: fleet.MostRuns},
		"of names that JSON must escape there are fewer":       {char: "\x01", least: fleet.MostRuns / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := memory.New()
				a, _ := join(t, broker, "a")
				_, onB := join(t, broker, "b")
				time.Sleep(3 * time.Second)
				long := strings.Repeat(test.char, 128)
				for i := range 2 * fleet.MostRuns {
					begin(onB, &runner{labels: analytics.Labels{
						Kind: "subscription", Operation: long, Document: fmt.Sprintf("%016x", i), Field: "Subscription.priceChanged",
						Consumer: long, Issuer: long, Subject: long, Plan: long, Client: long, Version: long,
					}})
				}
				runs, err := a.Runs(t.Context(), analytics.RunQuery{First: fleet.MostRuns})
				if err != nil || runs.Missing != nil || runs.Total != 2*fleet.MostRuns {
					t.Fatalf("%d in all, missing %v, %v", runs.Total, runs.Missing, err)
				}
				n := len(runs.First)
				if n < test.least || runs.First[n-1].Labels.Client != long || runs.First[0].ID != "b.1" {
					t.Errorf("%d are listed, the first %+v", n, runs.First[0])
				}
				if n == fleet.MostRuns != (test.least == fleet.MostRuns) {
					t.Errorf("%d are listed", n)
				}
			})
		})
	}
}

func TestANodeThatWasKilledHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := memory.New()
		a, _ := join(t, broker, "a")
		time.Sleep(time.Second)
		announced := `{"node":"killed","started":"2026-11-21T20:00:00Z"}`
		if err := broker.Publish(t.Context(), "_sluice.nodes", []byte(announced)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		began := time.Now()
		runs, err := a.Runs(t.Context(), analytics.RunQuery{First: 20})
		if took := time.Since(began); err != nil || took != 0 || fmt.Sprint(runs.Missing) != "[killed]" {
			t.Errorf("after %v: %+v, %v", took, runs, err)
		}
	})
}
