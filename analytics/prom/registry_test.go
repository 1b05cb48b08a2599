package prom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/prom"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape returns the lines of an exposition that are samples, by name and labels.
func scrape(t testing.TB, p *prom.Registry) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	samples := make(map[string]string)
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		samples[line[:at]] = strings.TrimSpace(line[at:])
	}
	return samples
}

func want(t *testing.T, got map[string]string, samples ...string) {
	t.Helper()
	for _, sample := range samples {
		at := strings.LastIndex(sample, " ")
		if value := got[sample[:at]]; value != sample[at+1:] {
			t.Errorf("%s is %q, want %s", sample[:at], value, sample[at+1:])
		}
	}
}

// begin has a recorder count an operation that nobody can end.
func begin(r *analytics.Recorder, l analytics.Labels) *analytics.Record {
	rec := new(analytics.Record)
	r.Begin(rec, l, nil)
	return rec
}

func labels(operation, field, transport string) analytics.Labels {
	return analytics.Labels{Kind: "subscription", Operation: operation, Field: field, Transport: transport, Consumer: "shop", Client: "app"}
}

func TestWhatARecorderCounts(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	r.Know("Prices")
	p := prom.New(r)
	known := begin(r, labels("Prices", "Subscription.price", "sse"))
	known.Deliver(100)
	known.Deliver(50)
	known.Drop(1, analytics.DropSlow)
	known.Drop(2, analytics.DropRate)
	known.Fail()
	begin(r, labels("Mine", "Subscription.price", "sse")).Deliver(1)
	ended := begin(r, labels("", "Subscription.price", "websocket"))
	ended.End("KEY_REVOKED")
	r.Refused(analytics.Labels{Transport: "http"}, "COST_LIMIT")
	got := scrape(t, p)
	want(t, got,
		`sluice_deliveries_total{field="Subscription.price",operation="Prices",transport="sse",type="subscription"} 2`,
		`sluice_deliveries_total{field="Subscription.price",operation="other",transport="sse",type="subscription"} 1`,
		`sluice_delivered_bytes_total{field="Subscription.price",operation="Prices",transport="sse",type="subscription"} 150`,
		`sluice_publishing_errors_total{cause="slow"} 1`,
		`sluice_publishing_errors_total{cause="throttled"} 2`,
		`sluice_publishing_errors_total{cause="resolver"} 1`,
		`sluice_publishing_errors_total{cause="decode"} 0`,
		`sluice_dropped_events_total{reason="slow"} 1`,
		`sluice_dropped_events_total{reason="rate"} 2`,
		`sluice_dropped_events_total{reason="lease"} 0`,
		`sluice_operations_total{field="Subscription.price",operation="Prices",transport="sse",type="subscription"} 1`,
		`sluice_operations_total{field="Subscription.price",operation="other",transport="sse",type="subscription"} 1`,
		`sluice_operations_total{field="Subscription.price",operation="other",transport="websocket",type="subscription"} 1`,
		`sluice_operations{transport="sse",type="subscription"} 2`,
		`sluice_operations{transport="websocket",type="subscription"} 0`,
		`sluice_operation_errors_total{code="KEY_REVOKED"} 1`,
		`sluice_operation_errors_total{code="COST_LIMIT"} 1`,
		`sluice_series_kept 4`,
		`sluice_series_begun_total 4`,
		`sluice_series_crowded_total 0`,
	)
	for sample := range got {
		if strings.HasPrefix(sample, "sluice_deliveries_total") && strings.Contains(sample, `type=""`) {
			t.Errorf("a refusal is shown as a flow: %s", sample)
		}
	}
}

func TestBuildRuntimeAndProcessAreShown(t *testing.T) {
	got := scrape(t, prom.New(analytics.NewRecorder(analytics.Options{})))
	build := false
	for sample, value := range got {
		build = build || strings.HasPrefix(sample, "sluice_build_info{goversion=") && value == "1"
	}
	if !build || got["go_goroutines"] == "" || got["process_open_fds"] == "" {
		t.Errorf("%v", got)
	}
}

// counts is what a program exports.
type counts struct {
	reads int
	by    map[string]uint64
}

func TestExportsAreReadOncePerScrape(t *testing.T) {
	p := prom.New(analytics.NewRecorder(analytics.Options{}))
	reads := 0
	prom.Export(p, func() counts {
		reads++
		return counts{reads, map[string]uint64{"a": 1, "b\xff": 2}}
	},
		prom.Counter("reads_total", "Reads.", func(c *counts) int { return c.reads }),
		prom.Gauge("reading", "Reads.", func(c *counts) int { return -c.reads }),
		prom.CounterBy("named_total", "By name.", "name", func(c *counts) map[string]uint64 { return c.by }),
		prom.GaugeBy("named", "By name.", "name", func(c *counts) map[string]uint64 { return c.by }),
	)
	for i := 1; i <= 2; i++ {
		want(t, scrape(t, p), fmt.Sprint("reads_total ", i), fmt.Sprint("reading -", i),
			`named_total{name="a"} 1`, `named_total{name="b?"} 2`, `named{name="a"} 1`)
	}
}

func TestOfManyNamesTheFirstStayAndTheRestIsASum(t *testing.T) {
	p := prom.New(analytics.NewRecorder(analytics.Options{}))
	by := map[string]uint64{"first": 1}
	prom.Export(p, func() counts { return counts{by: by} },
		prom.CounterBy("named_total", "By name.", "name", func(c *counts) map[string]uint64 { return c.by }))
	scrape(t, p)
	for i := range 1000 {
		by[fmt.Sprint(i)] = 1
	}
	for range 2 {
		got := scrape(t, p)
		want(t, got, `named_total{name="first"} 1`, `named_total{name="other"} 801`)
		by["1000"] = 0 // a name that came later is one of the others
	}
}

// Two ways to read one metric: by classic buckets, and by native ones.
func TestLatenciesHaveClassicAndNativeBuckets(t *testing.T) {
	p := prom.New(analytics.NewRecorder(analytics.Options{}))
	p.Executed("Subscription.price", 300*time.Microsecond)
	p.Written("Subscription.price")(150 * time.Millisecond)
	want(t, scrape(t, p),
		`sluice_execution_seconds_bucket{field="Subscription.price",le="0.0005"} 1`,
		`sluice_delivery_seconds_bucket{field="Subscription.price",le="0.1"} 0`,
		`sluice_delivery_seconds_bucket{field="Subscription.price",le="0.2"} 1`,
		`sluice_delivery_seconds_sum{field="Subscription.price"} 0.15`,
	)
	native := exposition(t, p)["sluice_delivery_seconds"].GetMetric()[0].GetHistogram()
	if len(native.GetPositiveSpan()) == 0 || native.GetSampleCount() != 1 {
		t.Errorf("%v", native)
	}
}

// exposition is what a Prometheus gets that asks for native histograms.
func exposition(t *testing.T, p *prom.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	p.Handler().ServeHTTP(w, r)
	if w.Header().Get("Content-Type") == "" {
		t.Fatal("no exposition")
	}
	families := make(map[string]*dto.MetricFamily)
	for decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header())); ; {
		family := new(dto.MetricFamily)
		if decoder.Decode(family) != nil {
			return families
		}
		families[family.GetName()] = family
	}
}

// Whatever clients send, a schema has or resolvers make up: 100,000 operations of 1,000 fields, each with
// a code of its own.
func TestANodeHasAtMost2000Series(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	for i := range 200 {
		r.Know(fmt.Sprint("Known", i))
	}
	p := prom.New(r)
	for i := range 100_000 {
		field := fmt.Sprint("Subscription.field", i%1000)
		l := labels(fmt.Sprint("Known", i%200), field, []string{"sse", "websocket", "multipart"}[i%3])
		l.Client, l.Document, l.Topic = fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint("topic", i%1000)
		s := begin(r, l)
		s.Deliver(1)
		s.End(fmt.Sprint("CODE_", i))
		p.Executed(field, time.Millisecond)
		p.Written(field)(time.Millisecond)
		if i%10_000 == 0 {
			scrape(t, p)
		}
	}
	got := scrape(t, p)
	t.Logf("%d series", len(got))
	if len(got) > 1700 { // what the gateway adds has the rest
		t.Errorf("%d series", len(got))
	}
	var sum float64
	for sample, value := range got {
		if strings.HasPrefix(sample, "sluice_deliveries_total") {
			var n float64
			_, _ = fmt.Sscan(value, &n)
			sum += n
		}
	}
	if sum != 100_000 {
		t.Errorf("%v deliveries of 100,000 are shown", sum)
	}
	want(t, got, `sluice_execution_seconds_count{field="other"} 98000`)
}

func TestScrapesMayComeTogether(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	p := prom.New(r)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 50 {
				begin(r, labels(fmt.Sprint(i, j), "Subscription.price", "sse")).End("INTERNAL")
				p.Executed(fmt.Sprint(i, j), 1)
			}
		})
		all.Go(func() { scrape(t, p) })
	}
	all.Wait()
}
