package model

import (
	"encoding/json"
	"reflect"

	"github.com/sluice-gateway/sluice/store"
)

// A CarriedProduct is the product that an event may bring along, to save its readers a look-up.
// Only a whole product counts: of one with a field missing, the field's zero value would be shown
// as if it were true. Where Product is nil, look it up.
type CarriedProduct struct{ Product *store.Product }

// MarshalJSON writes the product.
func (c CarriedProduct) MarshalJSON() ([]byte, error) { return json.Marshal(c.Product) }

// UnmarshalJSON keeps a whole product and ignores a partial one; a field of a wrong type is an error.
func (c *CarriedProduct) UnmarshalJSON(data []byte) error {
	var product store.Product
	if err := json.Unmarshal(data, &product); err != nil {
		return err
	}
	var present map[string]any
	if err := json.Unmarshal(data, &present); err != nil {
		return err
	}
	for field := range reflect.TypeFor[store.Product]().Fields() {
		if present[field.Tag.Get("json")] == nil {
			return nil
		}
	}
	c.Product = &product
	return nil
}
