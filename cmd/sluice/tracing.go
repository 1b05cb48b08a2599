package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/analytics/trace"
)

// traceClose is how long the last spans may take to reach the collector.
const traceClose = 3 * time.Second

// newTracer makes what tells a collector of requests and events; nil: nobody wants to know.
func newTracer(ctx context.Context, c *Config, log *slog.Logger) (*trace.Tracer, error) {
	if c.TraceEndpoint == "" {
		return nil, nil
	}
	headers, err := readHeaders(c.TraceHeadersFile)
	if err != nil {
		return nil, fmt.Errorf("trace-headers-file: %w", err)
	}
	version, _ := prom.Version()
	return trace.New(ctx, trace.Options{
		Endpoint: c.TraceEndpoint, Headers: headers, Sample: c.TraceSample, Service: c.TraceService,
		Version: version, Node: c.Node, Log: log,
	})
}

func closeTracer(t *trace.Tracer) error {
	ctx, cancel := context.WithTimeout(context.Background(), traceClose)
	defer cancel()
	return t.Close(ctx)
}

// readHeaders reads lines such as "Authorization: Bearer …". Its errors quote none: they are secrets.
func readHeaders(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	headers := make(map[string]string)
	for number, line := range strings.Split(string(text), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("line %d is not a header such as Authorization: Bearer …", number+1)
		}
		headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return headers, nil
}

// checkTracing says what is wrong with the settings of tracing.
func (c *Config) checkTracing() error {
	var bad []error
	if c.TraceSample < 0 || c.TraceSample > 1 {
		bad = append(bad, fmt.Errorf("trace-sample: %v is not between 0 and 1", c.TraceSample))
	}
	if c.TraceEndpoint == "" && c.TraceHeadersFile != "" {
		bad = append(bad, errors.New("trace-headers-file needs trace-endpoint, the collector that it is for"))
	}
	return errors.Join(bad...)
}
