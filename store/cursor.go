package store

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// A cursor is a product's place in an order of products: the value it is sorted by, and its id.
// It names a place and not a row, so it stays good when the product moves or vanishes.
type cursor struct {
	Field ProductOrderField `json:"f"`
	Key   string            `json:"k"`
	ID    int64             `json:"i"`
}

func cursorOf(p *Product, by ProductOrderField) string {
	id, _ := productKey(p.ID)
	c := cursor{Field: by, ID: id}
	switch by {
	case ByPrice:
		c.Key = strconv.FormatInt(int64(p.Price), 10)
	case ByUpdated:
		c.Key = strconv.FormatInt(p.UpdatedAt.UnixMilli(), 10)
	default:
		c.Key = p.Name
	}
	text, _ := json.Marshal(c) // strings and an integer: it cannot fail
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor reads a cursor of the given order, and its key as the column's type.
func parseCursor(text string, by ProductOrderField) (key any, id int64, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var c cursor
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return nil, 0, refuse("%.40q is not a cursor", text)
	}
	if c.Field != by {
		return nil, 0, refuse("the cursor belongs to the order %.10q, not %q", c.Field, by)
	}
	if by == ByName {
		return c.Key, c.ID, nil
	}
	number, err := strconv.ParseInt(c.Key, 10, 64)
	if err != nil {
		return nil, 0, refuse("%.40q is not a cursor", text)
	}
	return number, c.ID, nil
}
