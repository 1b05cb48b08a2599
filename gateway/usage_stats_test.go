package gateway_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/webhook"
	"github.com/sluice-gateway/sluice/gateway"
)

func TestTheStatsOfUsage(t *testing.T) {
	for _, c := range []struct {
		name  string
		stats *gateway.UsageStats
		want  string
		sent  map[string]uint64
	}{
		{"no ledger", nil, `null`, nil},
		{
			"no webhook", &gateway.UsageStats{Health: ledger.Health{Err: errors.New("away"), Reason: "away", Full: true, Waiting: 3, Backlog: 4, Damaged: 5}},
			`{"error":"away","full":true,"waiting":3,"backlogBytes":4,"damagedBytes":5}`, nil,
		},
		{
			"a webhook", &gateway.UsageStats{Health: ledger.Health{Imported: november}, Webhook: &webhook.Status{Sent: 1, Failed: 2, PausedUntil: november, Reason: "no"}},
			`{"full":false,"waiting":0,"backlogBytes":0,"damagedBytes":0,"lastImported":"2026-11-01T00:00:00Z",` +
				`"webhook":{"sent":1,"failed":2,"pausedUntil":"2026-11-01T00:00:00Z","error":"no"}}`,
			map[string]uint64{"sent": 1, "failed": 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := json.Marshal(c.stats)
			if err != nil || string(text) != c.want || !maps.Equal(c.stats.WebhookBatches(), c.sent) {
				t.Errorf("%s, %v, want %s, %v (%v)", text, c.stats.WebhookBatches(), c.want, c.sent, err)
			}
		})
	}
}
