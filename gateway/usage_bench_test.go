package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
)

// A month of 100 consumers' hours, from SQLite to the client.
func BenchmarkUsageOfAMonth(b *testing.B) {
	const consumers, hours = 100, 30 * 24
	s, err := ledgerdb.Open(b.Context(), filepath.Join(b.TempDir(), "usage.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for hour := range hours {
		batch := &ledger.Batch{ID: fmt.Sprint(hour), Node: "n", Sequence: int64(hour), At: november.AddDate(0, 1, 0)}
		for n := range consumers {
			batch.Entries = append(batch.Entries, ledger.Entry{
				Key:  ledger.Key{Consumer: fmt.Sprint("shop", n), Plan: "metered", Field: "Subscription.tick"},
				Hour: november.Add(time.Duration(hour) * time.Hour), Usage: ledger.Usage{Events: 1},
			})
		}
		if _, err := s.Import(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	options := usageOptions(nil)
	options.Usage, options.Log = s, slog.New(slog.DiscardHandler)
	g, err := gateway.New(testschema.New(), options)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(g)
	defer func() { server.Close(); _ = g.Close(context.Background(), 0) }()
	for _, step := range []string{"hour", "month"} {
		b.Run(step, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/usage?from=2026-11-01&to=2026-12-01&step="+step, nil)
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "books")
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK {
					b.Fatalf("%d after %d bytes (%v)", answer.StatusCode, n, err)
				}
				b.SetBytes(n)
			}
			b.ReportMetric(consumers*hours*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
