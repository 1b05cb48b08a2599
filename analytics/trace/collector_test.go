package trace

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	kept    = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	notKept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
)

// A collector takes spans over HTTP.
type collector struct {
	url string

	mu       sync.Mutex // guards what follows
	spans    []*tracepb.Span
	resource *resourcepb.Resource
	requests []*http.Request
}

func startCollector(t testing.TB) *collector {
	c := new(collector)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request coltracepb.ExportTraceServiceRequest
	unzipped, err := gzip.NewReader(r.Body)
	if err == nil {
		var body []byte
		if body, err = io.ReadAll(unzipped); err == nil {
			err = proto.Unmarshal(body, &request)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	for _, of := range request.ResourceSpans {
		c.resource = of.Resource
		for _, in := range of.ScopeSpans {
			c.spans = append(c.spans, in.Spans...)
		}
	}
}

// all returns the spans by their names, when the tracer is closed.
func (c *collector) all(t testing.TB, tracer *Tracer) map[string]*tracepb.Span {
	t.Helper()
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	named := make(map[string]*tracepb.Span)
	for _, s := range c.spans {
		named[s.Name] = s
	}
	return named
}

// open returns a tracer to a collector, which ends with the test.
func open(t testing.TB, o Options) *Tracer {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	tracer, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tracer.Close(t.Context()) }) // whose context is done by now
	return tracer
}

// texts are attributes as text.
func texts(of []*commonpb.KeyValue) map[string]string {
	text := make(map[string]string)
	for _, a := range of {
		text[a.Key] = a.Value.GetStringValue()
	}
	return text
}

func hexOf(id []byte) string { return hex.EncodeToString(id) }
