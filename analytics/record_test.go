package analytics_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// A bill adds up what an account is told.
type bill struct {
	mu            sync.Mutex
	events, bytes int64
}

func (b *bill) Add(events, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events += events
	b.bytes += bytes
}

// A runner notes why it was dismissed.
type runner struct {
	labels analytics.Labels
	why    string
}

func (r *runner) Labels() analytics.Labels { return r.labels }
func (r *runner) Dismiss(why string)       { r.why = why }

// An outbox is a source.
type outbox struct{ events, bytes uint64 }

func (o *outbox) Offered() (events, bytes uint64) { return o.events, o.bytes }

func TestASourceCountsInPlaceOfTheRecord(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	rec, account, source := begin(r, message), new(bill), new(outbox)
	rec.Bill(account)
	rec.CountedBy(source)
	*source = outbox{10, 70}
	if c := rec.Counts(); c.Events != 10 || c.Bytes != 70 {
		t.Errorf("while it runs there are %d events and %d bytes, want 10 and 70", c.Events, c.Bytes)
	}
	rec.End("")
	*source = outbox{11, 77} // it was on its way
	rec.Late()
	rec.Drop(2, analytics.DropWrite)
	if account.events != 9 || account.bytes != 77 {
		t.Errorf("%d events and %d bytes are billed, want 9 and 77", account.events, account.bytes)
	}
	if c := r.Totals(); c.Events != 11 || c.Delivered() != 9 {
		t.Errorf("%+v", c)
	}
}

func TestWhatIsDeliveredIsBilledUnlessItWasLostAfterwards(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	rec, account := begin(r, message), new(bill)
	rec.Bill(account)
	for range 10 {
		rec.Deliver(7)
	}
	rec.Drop(2, analytics.DropSlow)
	rec.Drop(3, analytics.DropLease) // never reached the outbox
	r.Settle()
	if account.events != 8 || account.bytes != 70 {
		t.Errorf("while it runs %d events and %d bytes are billed, want 8 and 70", account.events, account.bytes)
	}
	rec.Drop(1, analytics.DropSlow)
	rec.End("")
	if account.events != 7 {
		t.Errorf("at its end %d are billed, want 7", account.events)
	}
	rec.Drop(4, analytics.DropWrite) // its outbox is given up now
	if account.events != 3 || account.bytes != 70 {
		t.Errorf("afterwards %d events and %d bytes are billed, want 3 and 70", account.events, account.bytes)
	}
	if c := r.Totals(); c.Delivered() != 3 || c.Ended != 1 {
		t.Errorf("%+v", c)
	}
}

func TestOperationsAreConnectedWhileTheyRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := analytics.NewRecorder(analytics.Options{})
		a, b := begin(r, message), begin(r, message)
		for _, step := range []struct {
			do   func()
			want time.Duration
		}{
			{func() {}, 2 * time.Minute},
			{func() { a.End("") }, 3 * time.Minute},
			{func() { a.Drop(1, analytics.DropWrite) }, 4 * time.Minute},
			{func() { b.End("") }, 4 * time.Minute},
		} {
			step.do()
			time.Sleep(time.Minute)
			if c := r.Totals(); c.ConnectedMillis != step.want.Milliseconds() {
				t.Errorf("connected for %d ms, want %v", c.ConnectedMillis, step.want)
			}
		}
	})
}

func TestRunningOperationsAreFoundUnderTheirOwnNames(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{Series: 8})
	for range 100 { // so many that there is no room for their names
		l := message
		l.Consumer, l.Client = "crowd", string(rune('A'+len(r.Running(nil))))
		begin(r, l)
	}
	own := &runner{labels: analytics.Labels{Operation: "Mine", Consumer: "shop", Subject: "ann"}}
	rec := new(analytics.Record)
	r.Begin(rec, own.labels, own)
	rec.Deliver(5)
	theirs := r.Running(&analytics.Whose{Consumer: "shop"})
	if len(theirs) != 1 || theirs[0] != rec || len(r.Running(nil)) != 101 {
		t.Fatalf("%d of the consumer, %d of all", len(theirs), len(r.Running(nil)))
	}
	for subject, want := range map[string]int{"ann": 1, "bob": 0} {
		if got := len(r.Running(&analytics.Whose{Consumer: "shop", Subject: subject})); got != want {
			t.Errorf("%s has %d, want %d", subject, got, want)
		}
	}
	if l := rec.Labels(); l.Operation != "Mine" || l.Subject != "" {
		t.Errorf("labels %+v, want its own, without the end user", l)
	}
	if c := rec.Counts(); c.Events != 1 || c.Bytes != 5 {
		t.Errorf("counts %+v", c)
	}
	if r.Find(rec.Number()) != rec {
		t.Error("it is not found by its number")
	}
	rec.Dismiss("too loud")
	if own.why != "too loud" {
		t.Errorf("dismissed since %q", own.why)
	}
	rec.End("")
	if r.Find(rec.Number()) != nil || slices.Contains(r.Running(nil), rec) {
		t.Error("it has ended, and is still found")
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	rec := begin(analytics.NewRecorder(analytics.Options{}), message)
	rec.Fail() // what is rare is made once
	if n := testing.AllocsPerRun(100, func() {
		rec.Deliver(1)
		rec.Fail()
		rec.Drop(1, analytics.DropSlow)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// However an operation's end, its deliveries and looks at the sums fall together, nothing is missing or
// counted twice.
func TestNothingIsMissingAfterRaces(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	account := new(bill)
	for range 200 {
		rec := begin(r, message)
		rec.Bill(account)
		var all sync.WaitGroup
		all.Go(func() {
			for range 50 {
				rec.Deliver(2)
			}
		})
		all.Go(func() { rec.Drop(10, analytics.DropWrite) })
		all.Go(r.Settle)
		all.Go(func() { rec.End("") })
		all.Wait()
	}
	if c := r.Totals(); c.Events != 10_000 || c.Bytes != 20_000 || c.Delivered() != 8_000 || c.Running() != 0 {
		t.Errorf("%+v", c)
	}
	if account.events != 8_000 || account.bytes != 20_000 {
		t.Errorf("%d events and %d bytes are billed", account.events, account.bytes)
	}
}
