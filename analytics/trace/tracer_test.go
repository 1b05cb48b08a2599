package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestOptionsThatAreNone(t *testing.T) {
	const host = "http://localhost:4318"
	for _, test := range []struct {
		name    string
		options Options
		want    string
	}{
		{"no endpoint", Options{}, "cannot be read"},
		{"an endpoint without a scheme", Options{Endpoint: "localhost:4318"}, "cannot be read"},
		{"an endpoint of gRPC", Options{Endpoint: "grpc://localhost:4317"}, "cannot be read"},
		{"an endpoint that is no URL", Options{Endpoint: "http://hunter2\x00"}, "cannot be read"},
		{"an endpoint with a password", Options{Endpoint: "https://me:hunter2@collector"}, "credentials into a header"},
		{"an endpoint with a query", Options{Endpoint: "https://collector/?key=hunter2"}, "more than host and path"},
		{"a negative part", Options{Endpoint: host, Sample: -0.1}, "from 0 to 1"},
		{"more than all", Options{Endpoint: host, Sample: 1.1}, "from 0 to 1"},
		{"not a number", Options{Endpoint: host, Sample: math.NaN()}, "from 0 to 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(t.Context(), test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("err = %v, want %q", err, test.want)
			}
		})
	}
}

func TestWhatIsKept(t *testing.T) {
	for _, test := range []struct {
		name   string
		sample float64
		parent string
		kept   bool
	}{
		{"of new traces all", 1, "", true},
		{"of new traces none", 0, "", false},
		{"a part of a trace that is kept", 0, kept, true},
		{"no part of a trace that is not kept", 1, notKept, false},
		{"a new trace where the parent is none", 1, "00-garbled", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startCollector(t)
			tracer := open(t, Options{Endpoint: c.url, Sample: test.sample})
			ctx, span := tracer.StartOperation(t.Context(), Operation{Kind: "mutation", Name: "SetPrice"}, test.parent)
			publish := tracer.Publish(ctx, "price.42")
			tracer.Delivery(Delivery{Field: "Subscription.price", Topic: "price.42", Trace: publish.Traceparent()})
			publish.End()
			span.End()
			want := []string{"deliver Subscription.price", "mutation SetPrice", "publish price"}
			if !test.kept {
				want = nil
			}
			if got := slices.Sorted(maps.Keys(c.all(t, tracer))); !slices.Equal(got, want) {
				t.Errorf("the collector has %q, want %q", got, want)
			}
			if counts := tracer.Counts(); counts != (Counts{Sent: uint64(len(want))}) {
				t.Errorf("counts = %+v", counts)
			}
			if got := publish.Traceparent() != ""; got != test.kept {
				t.Errorf("the event carries %q", publish.Traceparent())
			}
		})
	}
}

func TestTheCollectorIsToldWhoSendsAndWithWhatHeaders(t *testing.T) {
	c := startCollector(t)
	tracer := open(t, Options{
		Endpoint: c.url, Sample: 1, Version: "1.2.3", Node: "a", Headers: map[string]string{"Authorization": "Bearer hunter2"},
	})
	_, span := tracer.StartOperation(t.Context(), Operation{Kind: "query"}, "")
	span.End()
	c.all(t, tracer)
	about := texts(c.resource.Attributes)
	if about["service.name"] != "sluice" || about["service.version"] != "1.2.3" || about["service.instance.id"] != "a" {
		t.Errorf("the resource is %v", about)
	}
	if r := c.requests[0]; r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer hunter2" {
		t.Errorf("%s with %v", r.URL, r.Header)
	}
}

func TestAnEndpointsPathIsKept(t *testing.T) {
	c := startCollector(t)
	tracer := open(t, Options{Endpoint: c.url + "/tenant/traces", Sample: 1})
	tracer.Publish(t.Context(), "price.42").End()
	c.all(t, tracer)
	if got := c.requests[0].URL.Path; got != "/tenant/traces" {
		t.Errorf("sent to %s", got)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	c := startCollector(t)
	elsewhere := httptest.NewServer(http.RedirectHandler(c.url, http.StatusTemporaryRedirect))
	t.Cleanup(elsewhere.Close)
	tracer := open(t, Options{Endpoint: elsewhere.URL, Sample: 1, Headers: map[string]string{"X-Key": "hunter2"}})
	tracer.Publish(t.Context(), "price.42").End()
	if spans := c.all(t, tracer); len(spans) > 0 || tracer.Counts().Failed != 1 {
		t.Errorf("%d spans and their headers went elsewhere, counts %+v", len(spans), tracer.Counts())
	}
}

func TestNobodyWaitsForACollector(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{}, 1)
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-release
	}))
	t.Cleanup(func() { close(release); hanging.Close() })
	for _, c := range []struct {
		name, url string
		patience  time.Duration // of Close
		want      error
		log       string
	}{
		{"that is down: what is queued is refused at once", "http://127.0.0.1:1", time.Minute, nil, "connection refused"},
		{"that hangs: what is queued is given up", hanging.URL, 20 * time.Millisecond, context.DeadlineExceeded, "context canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			tracer := open(t, Options{Endpoint: c.url, Sample: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
			const spans = 3 * queued
			for range spans { // would take minutes, if one waited
				tracer.Publish(t.Context(), "price.42").End()
			}
			if c.want != nil {
				<-asked // the request that must be given up
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.patience)
			defer cancel()
			begun := time.Now()
			err := tracer.Close(ctx)
			if took := time.Since(begun); took > tryTimeout/2 {
				t.Errorf("close took %v", took)
			}
			givenUp := tracer.exporter.givenUp.Load()
			if !errors.Is(err, c.want) || (givenUp > 0) != (c.want != nil) || err != nil && !strings.Contains(err.Error(), fmt.Sprint(givenUp, " spans")) {
				t.Errorf("close: %v, and %d spans were given up", err, givenUp)
			}
			counts := tracer.Counts()
			if counts.Sent != 0 || counts.Failed == 0 || counts.Failed+counts.Dropped != spans || givenUp > counts.Failed ||
				c.want != nil && counts.Dropped < spans-2*queued {
				t.Errorf("counts = %+v", counts)
			}
			if n := strings.Count(log.String(), "traces are lost"); n != 1 || !strings.Contains(log.String(), c.log) {
				t.Errorf("the log is %s", log.String())
			}
		})
	}
}

func TestClosingAgainAndAfterwardsIsHarmless(t *testing.T) {
	c := startCollector(t)
	tracer := open(t, Options{Endpoint: c.url, Sample: 1})
	late := tracer.Publish(t.Context(), "price.42")
	c.all(t, tracer)
	if err := tracer.Close(t.Context()); err != nil {
		t.Errorf("the second time: %v", err)
	}
	late.End()
	tracer.Publish(t.Context(), "price.42").End()
	tracer.Delivery(Delivery{Trace: kept})
}

// Other parts of a program may use OpenTelemetry, too.
func TestNothingGlobalIsTouched(t *testing.T) {
	before := otel.GetTracerProvider()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Errorf("the program's handler was told: %v", err) }))
	refusing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(refusing.Close)
	tracer := open(t, Options{Endpoint: refusing.URL, Sample: 1})
	tracer.Publish(t.Context(), "price.42").End()
	if err := tracer.Close(t.Context()); err != nil || tracer.Counts().Failed != 1 {
		t.Errorf("%v, counts %+v", err, tracer.Counts())
	}
	if otel.GetTracerProvider() != before {
		t.Error("there is another global provider")
	}
}

func TestANilTracerDoesNothing(t *testing.T) {
	var tracer *Tracer
	ctx := t.Context()
	all := func() {
		within, span := tracer.StartOperation(ctx, Operation{Kind: "query", Name: "Products"}, kept)
		publish := tracer.Publish(tracer.WithParent(within, kept), "price.42")
		tracer.Delivery(Delivery{Topic: "price.42", Trace: kept})
		span.Fail("INTERNAL")
		span.End()
		publish.End()
		if within != ctx || publish.Traceparent() != "" || tracer.Counts() != (Counts{}) || tracer.Close(ctx) != nil {
			t.Error("it does something")
		}
	}
	if n := testing.AllocsPerRun(100, all); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The links of a span, by the spans that they point to.
func linked(s *tracepb.Span) (ids []string) {
	for _, l := range s.Links {
		ids = append(ids, hexOf(l.TraceId)+"-"+hexOf(l.SpanId))
	}
	return ids
}
