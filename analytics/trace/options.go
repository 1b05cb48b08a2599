package trace

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Options configure a Tracer. Only Endpoint has no default.
type Options struct {
	// Endpoint is the URL of a collector that speaks OTLP over HTTP, such as http://localhost:4318.
	// Without a path it gets /v1/traces.
	Endpoint string
	// Headers are sent with every request to the collector. They may be secrets: no error and no log
	// line has their values.
	Headers map[string]string
	// Sample is which part of the traces that begin here is kept, from 0, none, to 1, all. What
	// belongs to a trace that somebody else began is kept if that one is.
	Sample float64
	// Service is the name of the service. Empty means sluice.
	Service string
	// Version is the version of the service. Empty: it is not told.
	Version string
	// Node names this process among those of the service. Empty: it is not told.
	Node string
	// Log gets a line when spans could not be sent, at most one a minute. Nil means slog.Default.
	Log *slog.Logger
}

// withDefaults returns a checked copy. Its errors quote no URL, which may hold a password.
func (o Options) withDefaults() (Options, error) {
	target, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || target.Hostname() == "" || target.Scheme != "http" && target.Scheme != "https":
		return o, errors.New("trace: the endpoint cannot be read: it is http://host:4318 or https://host/path")
	case target.User != nil:
		return o, errors.New("trace: the endpoint holds a user: put credentials into a header")
	case target.RawQuery != "" || target.Fragment != "":
		return o, errors.New("trace: the endpoint holds more than host and path")
	case !(o.Sample >= 0 && o.Sample <= 1): // NaN is neither
		return o, fmt.Errorf("trace: the sampled part is from 0 to 1, not %v", o.Sample)
	}
	if target.Path == "" || target.Path == "/" {
		target.Path = "/v1/traces"
	}
	o.Endpoint = target.String()
	if o.Service == "" {
		o.Service = "sluice"
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

// resource is what every span says of its process.
func (o Options) resource() *resource.Resource {
	about := []attribute.KeyValue{semconv.ServiceName(o.Service)}
	if o.Version != "" {
		about = append(about, semconv.ServiceVersion(o.Version))
	}
	if o.Node != "" {
		about = append(about, semconv.ServiceInstanceID(o.Node))
	}
	return resource.NewSchemaless(about...)
}
