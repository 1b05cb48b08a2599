package crowd

import "encoding/json"

// A message is what a gateway says.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Payload json.RawMessage `json:"payload"`
}

// A next is the payload of a result. The publisher's lane stands in stock, and its number in revision.
type next struct {
	Data struct {
		StockChanged *struct{ Stock, Revision int }
	}
	Errors     []failure
	Extensions struct{ Cursor string }
}

type failure struct {
	Message    string
	Extensions struct{ Code string }
}
