package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the gateway answers is, byte for byte, what the command prints.
func TestUsageOverHTTPIsWhatTheCommandPrints(t *testing.T) {
	u := newUsageReader(t)
	config := filepath.Join(t.TempDir(), "sluice.yaml")
	text := somePrices + "keys:\n  - {key: 0123456789abcdef-books, consumer: books, scopes: [\"usage:read\"]}\n" +
		"  - {key: 0123456789abcdef-till, consumer: till}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--database", u.database, "--config", config)
	for _, c := range []struct {
		name, key, path string
		command         []string
	}{
		{
			"all usage by day", "books", "/usage?from=2026-11-01&to=2026-12-01&step=day",
			[]string{"export", "--from", "2026-11-01", "--to", "2026-12-01", "--step", "day"},
		},
		{
			"hours elsewhere, as JSON", "books", "/usage?from=2026-11-01T02:00:00%2B02:00&to=2026-11-02&format=json",
			[]string{"export", "--from", "2026-11-01T02:00:00+02:00", "--to", "2026-11-02", "--format", "json"},
		},
		{
			"a consumer's own", "till", "/usage?from=2026-11-01&to=2026-12-01",
			[]string{"export", "--from", "2026-11-01", "--to", "2026-12-01", "--consumer", "till"},
		},
		{"all invoices", "books", "/usage/invoice?month=2026-11", []string{"invoice", "--month", "2026-11"}},
		{"one, as CSV", "till", "/usage/invoice?month=2026-11&format=csv", []string{"invoice", "--month", "2026-11", "--consumer", "till", "--format", "csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := u.run(c.command...)
			for _, listener := range []string{p.public, p.operator} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listener+c.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("X-API-Key", "0123456789abcdef-"+c.key)
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK || string(got) != want || strings.Count(want, "\n") < 2 {
					t.Errorf("%d (%v)\n%.500s, want\n%.500s", answer.StatusCode, err, got, want)
				}
			}
		})
	}
}
