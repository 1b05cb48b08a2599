// Package model holds the GraphQL types that are no rows of the store: events, pages and scalars.
//
// An event's payload is its type in JSON. Every field is a pointer, because a payload may leave any
// of them out: the executor complains about a missing field only where somebody selects it. Decoded
// events are shared between operations and therefore read-only.
package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/store"
)

// A PriceChange is an event of the topics price.{productId}.
type PriceChange struct {
	ProductID     *string        `json:"productId,omitempty"`
	Product       CarriedProduct `json:"product,omitzero"`
	Price         *store.Decimal `json:"price,omitempty"`
	PreviousPrice *store.Decimal `json:"previousPrice,omitempty"`
	Currency      *string        `json:"currency,omitempty"`
	Revision      *int32         `json:"revision,omitempty"`
	Note          *string        `json:"note,omitempty"`
	ChangedAt     *time.Time     `json:"changedAt,omitempty"`
}

// A StockChange is an event of the topics stock.{productId}.
type StockChange struct {
	ProductID     *string        `json:"productId,omitempty"`
	Product       CarriedProduct `json:"product,omitzero"`
	Stock         *int32         `json:"stock,omitempty"`
	PreviousStock *int32         `json:"previousStock,omitempty"`
	Revision      *int32         `json:"revision,omitempty"`
	ChangedAt     *time.Time     `json:"changedAt,omitempty"`
}

// An OrderStatusChange is an event of the topics order.{customer}.
type OrderStatusChange struct {
	OrderID        *string            `json:"orderId,omitempty"`
	Customer       *string            `json:"customer,omitempty"`
	Status         *store.OrderStatus `json:"status,omitempty"`
	PreviousStatus *store.OrderStatus `json:"previousStatus,omitempty"`
	ChangedAt      *time.Time         `json:"changedAt,omitempty"`
}

// DecodePriceChange reads a payload. Its error names the field that is wrong.
func DecodePriceChange(payload []byte) (*PriceChange, error) { return decode[PriceChange](payload) }

// DecodeStockChange reads a payload. Its error names the field that is wrong.
func DecodeStockChange(payload []byte) (*StockChange, error) { return decode[StockChange](payload) }

// DecodeOrderStatusChange reads a payload. Its error names the field that is wrong.
func DecodeOrderStatusChange(payload []byte) (*OrderStatusChange, error) {
	return decode[OrderStatusChange](payload)
}

var errNotObject = errors.New("the payload is not a JSON object")

func decode[T any](payload []byte) (*T, error) {
	// encoding/json accepts null for a struct and leaves it empty.
	if !bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("{")) {
		return nil, errNotObject
	}
	event := new(T)
	if err := json.Unmarshal(payload, event); err != nil {
		return nil, blame[T](payload, err)
	}
	return event, nil
}

// blame finds the field that made the decoding fail: encoding/json names it for a wrong type, but
// not where the field's own type refuses the text, as times and amounts do.
func blame[T any](payload []byte, err error) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil {
		return err // no JSON at all
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		alone, _ := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err := json.Unmarshal(alone, new(T)); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	return err
}
