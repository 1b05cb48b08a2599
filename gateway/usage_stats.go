package gateway

import (
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/webhook"
)

// UsageStats say how the ledger of usage is, and its webhook.
type UsageStats struct {
	ledger.Health
	Webhook *webhook.Status `json:"webhook,omitempty"` // nil: there is none
}

// WebhookBatches are the batches of the webhook by what became of them: sent, or failed in a try.
func (u *UsageStats) WebhookBatches() map[string]uint64 {
	if u == nil || u.Webhook == nil {
		return nil
	}
	return map[string]uint64{"sent": u.Webhook.Sent, "failed": u.Webhook.Failed}
}

// ChangeStats say how the changes of the database are read, as replication.Status does, whose fields these
// are: the gateway itself knows no database.
type ChangeStats struct {
	Slot     string    `json:"slot"`
	Up       bool      `json:"reading"` // a node reads
	Active   bool      `json:"active"`  // it is this one
	Read     time.Time `json:"read,omitzero"`
	LagBytes int64     `json:"lagBytes"`
	Since    time.Time `json:"since,omitzero"` // it is behind
	Reason   string    `json:"reason,omitempty"`
}
