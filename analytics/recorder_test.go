package analytics_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics"
)

// begin has a recorder count an operation that nobody can end.
func begin(r *analytics.Recorder, l analytics.Labels) *analytics.Record {
	rec := new(analytics.Record)
	r.Begin(rec, l, nil)
	return rec
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var message = analytics.Labels{Kind: "subscription", Operation: "Chat", Field: "Subscription.message", Transport: "sse", Consumer: "shop"}

// of is the class of message.
func of(operation string) analytics.Class {
	return analytics.Class{Kind: "subscription", Field: "Subscription.message", Transport: "sse", Operation: operation}
}

func TestOperationsOfTheSameLabelsAreCountedTogether(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	a, b := begin(r, message), begin(r, message)
	a.Deliver(10)
	b.Deliver(20)
	b.Drop(1, analytics.DropSlow)
	b.Drop(5, analytics.DropRate)
	b.Fail()
	b.End("INTERNAL")
	c := r.Totals()
	if c.Started != 2 || c.Running() != 1 || c.Events != 2 || c.Delivered() != 1 || c.Bytes != 30 || c.Failed != 1 {
		t.Errorf("counts %+v", c)
	}
	if c.Endings["INTERNAL"] != 1 || c.Dropped[analytics.DropSlow] != 1 || c.Dropped[analytics.DropRate] != 5 {
		t.Errorf("counts %+v", c)
	}
}

func TestARefusalIsNoOperation(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	r.Refused(message, "COST_LIMIT")
	if c := r.Totals(); c.Started != 0 || c.Ended != 0 || c.Refused != 1 || c.Endings["COST_LIMIT"] != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestEndUsersAreToldApartOnlyOnDemand(t *testing.T) {
	for subjects, want := range map[bool]int{false: 1, true: 2} {
		r := analytics.NewRecorder(analytics.Options{Subjects: subjects})
		for _, subject := range []string{"ann", "bob"} {
			l := message
			l.Subject = subject
			begin(r, l)
		}
		if kept := r.Stats().Kept; kept != want {
			t.Errorf("with Subjects %v: %d series, want %d", subjects, kept, want)
		}
	}
}

func TestWhatGivesWayStaysInTheSums(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := analytics.NewRecorder(analytics.Options{Series: 8, Idle: time.Minute})
		r.Know("Chat")
		var sum uint64
		for i := range 100 {
			l := message
			l.Client = fmt.Sprint(i)
			rec := begin(r, l)
			rec.Deliver(1)
			rec.End("INTERNAL")
			time.Sleep(20 * time.Second)
			now := r.Classes()[of("Chat")]
			if now.Events <= sum || now.Ended != uint64(i+1) || now.Endings["INTERNAL"] != uint64(i+1) {
				t.Fatalf("after %d operations: %+v", i+1, now)
			}
			sum = now.Events
		}
		if s := r.Stats(); s.Kept > 8 || s.Begun != 100 || s.Crowded != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestASeriesInUseDoesNotGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := analytics.NewRecorder(analytics.Options{Series: 8, Idle: time.Minute})
		running := begin(r, message)
		for i := range 20 {
			l := message
			l.Client = fmt.Sprint(i)
			begin(r, l).End("")
			time.Sleep(time.Minute)
		}
		running.Deliver(1)
		for _, s := range r.All() {
			if s.Labels() == message && s.Counts().Events == 1 {
				return
			}
		}
		t.Error("the series of an operation that runs was forgotten")
	})
}

func TestInACrowdOnlyKnownOperationsKeepTheirNames(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{Series: 16})
	r.Know("Chat")
	for i := range 1000 {
		l := message
		l.Operation = fmt.Sprintf("Hostile%d", i)
		begin(r, l)
	}
	l := message
	l.Client = "of a trusted document"
	begin(r, l)
	classes := r.Classes()
	if len(classes) != 2 || classes[of("Chat")].Started != 1 || classes[of(analytics.Other)].Started != 1000 {
		t.Errorf("%+v", classes)
	}
	if s := r.Stats(); s.Kept > 18 || s.Crowded == 0 {
		t.Errorf("%+v", s)
	}
}

// What clients choose keeps neither the series nor the memory growing: 100,000 operations, clients and
// topics, and codes that resolvers make up, each name a part of a long document.
func TestHostileNamesAreBounded(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	flood := func(from, to int) {
		for i := from; i < to; i++ {
			document := strings.Repeat("x", 10<<10) + fmt.Sprint(i)
			name := document[10<<10-100:]
			rec := begin(r, analytics.Labels{
				Kind: "subscription", Operation: name, Document: name[100:], Field: "Subscription.message",
				Consumer: "shop", Transport: "websocket", Client: name, Version: name, Subject: name,
			})
			rec.Deliver(1)
			rec.End(name)
		}
	}
	flood(0, 20_000)
	before := inUse()
	flood(20_000, 100_000)
	if grown := inUse() - before; grown > 1<<20 {
		t.Errorf("80,000 more operations have cost %d KiB", grown>>10)
	}
	if before > 40<<20 {
		t.Errorf("%d MiB are in use: names keep their documents", before>>20)
	}
	if s := r.Stats(); s.Kept > 2000 {
		t.Errorf("%+v", s)
	}
	if c := r.Totals(); c.Events != 100_000 || c.Running() != 0 {
		t.Errorf("%+v", c)
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestNamesThatDifferStillDoWhenTheyAreCut(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	kept := make(map[string]bool)
	for _, name := range []string{
		strings.Repeat("é", 100), "x" + strings.Repeat("é", 100), "x" + strings.Repeat("é", 101), strings.Repeat("é", 64), "other", "other…?", "",
	} {
		l := message
		l.Client = name
		got := begin(r, l).Labels().Client
		if len(got) > 128 || !utf8.ValidString(got) || got != analytics.Kept(name) || got == analytics.Other || len(name) <= 128 && name != "other" && got != name {
			t.Errorf("of %q %q is kept", name, got)
		}
		kept[got] = true
	}
	if len(kept) != 7 {
		t.Errorf("7 names became %d", len(kept))
	}
}

func TestCountsAddUpWhileTheyAreRead(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{Series: 8})
	var counting, reading sync.WaitGroup
	for i := range 4 {
		counting.Go(func() {
			for j := range 500 {
				l := message
				l.Client = fmt.Sprint(i, j)
				rec := begin(r, l)
				rec.Deliver(2)
				rec.End("INTERNAL")
			}
		})
	}
	reading.Go(func() {
		var last uint64
		for last < 2000 {
			c := r.Totals()
			if c.Ended < last || c.Started < c.Ended {
				t.Errorf("after %d: %+v", last, c)
				return
			}
			last = c.Ended
		}
	})
	counting.Wait()
	reading.Wait()
	if c := r.Totals(); c.Events != 2000 || c.Bytes != 4000 || c.Endings["INTERNAL"] != 2000 {
		t.Errorf("%+v", c)
	}
}
