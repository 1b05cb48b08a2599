package analytics_test

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestRunsAreFoundAndOrdered(t *testing.T) {
	r := analytics.NewRecorder(analytics.Options{})
	for i, l := range []analytics.Labels{
		{Kind: "subscription", Operation: "Prices", Consumer: "shop", Client: "Web"},
		{Kind: "subscription", Operation: "Stock", Consumer: "shop"},
		{Kind: "live", Operation: "Prices", Consumer: "shop", Issuer: "https://id.example"},
		{Kind: "subscription", Operation: "Prices", Consumer: "warehouse"},
	} {
		rec := begin(r, l)
		for range i {
			rec.Deliver(1)
		}
	}
	for _, tt := range []struct {
		name  string
		query analytics.RunQuery
		want  []uint64
		total int
	}{
		{"all", analytics.RunQuery{First: 10}, []uint64{4, 3, 2, 1}, 4},
		{"the first two of all", analytics.RunQuery{First: 2}, []uint64{4, 3}, 4},
		{"none, but how many there are", analytics.RunQuery{}, nil, 4},
		{"one consumer's", analytics.RunQuery{Whose: &analytics.Whose{Consumer: "shop"}, First: 10}, []uint64{2, 1}, 2},
		{"one of another issuer", analytics.RunQuery{Whose: &analytics.Whose{Issuer: "https://id.example", Consumer: "shop"}, First: 10}, []uint64{3}, 1},
		{"a kind", analytics.RunQuery{Kind: "live", First: 10}, []uint64{3}, 1},
		{"a search in any letters", analytics.RunQuery{Search: "PRIC", First: 10}, []uint64{4, 3, 1}, 3},
		{"a search for a client", analytics.RunQuery{Search: "web", First: 10}, []uint64{1}, 1},
		{"a search for nothing that there is", analytics.RunQuery{Search: "nobody", First: 10}, nil, 0},
	} {
		runs, total := r.Runs(tt.query)
		var got []uint64
		for _, run := range runs {
			got = append(got, run.Number)
		}
		if !slices.Equal(got, tt.want) || total != tt.total {
			t.Errorf("%s: %v of %d, want %v of %d", tt.name, got, total, tt.want, tt.total)
		}
	}
}
