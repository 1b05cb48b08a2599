package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
)

const (
	eventType   = "io.sluice.usage.v1"
	contentType = "application/cloudevents-batch+json; charset=utf-8"
)

// An event is a CloudEvent 1.0 in its JSON format.
type event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"` // the batch's
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            data      `json:"data"`
}

type data struct {
	Node     string         `json:"node"`
	Sequence int64          `json:"sequence"`
	Entries  []ledger.Entry `json:"entries"`
}

// encode makes the body of a request, and the id of its message: the same for the same batches.
func encode(batches []ledger.Batch) (id string, body []byte, err error) {
	ids := sha256.New()
	events := make([]event, len(batches))
	for i, b := range batches {
		ids.Write([]byte(b.ID + "\n"))
		events[i] = event{
			SpecVersion: "1.0", ID: b.ID, Source: "/sluice/" + url.PathEscape(b.Node), Type: eventType, Time: b.At,
			DataContentType: "application/json", Data: data{b.Node, b.Sequence, b.Entries},
		}
	}
	body, err = json.Marshal(events)
	return "msg_" + hex.EncodeToString(ids.Sum(nil)[:16]), body, err
}
