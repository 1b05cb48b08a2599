package main

import (
	"bytes"
	"fmt"
	"time"
)

// A writer changes the price of one shown product after the other, by mutations over one connection.
type writer struct {
	conn     *conn
	host     string
	path     string
	key      string // an API key that may
	answers  answers
	products []string // in a random order
	wrote    int64
	pending  *write // whose mutation was not answered yet
}

var revisionAnswer = []byte(`"revision":`)

// change sends a mutation that sets the price of the next product, and returns the product.
func (w *writer) change(made *write) (product string, err error) {
	product = w.products[int(w.wrote)%len(w.products)]
	w.wrote++
	made.number = w.wrote
	w.pending = made
	operation := fmt.Appendf(nil, `{"query":"mutation($id: ID!, $price: Decimal!) { changePrice(productId: $id, price: $price) { revision } }",`+
		`"variables":{"id":%q,"price":%q}}`, product, priceOf(made.number))
	return product, w.conn.write(post(w.host, w.path, "Authorization: Bearer "+w.key+"\r\n", operation))
}

// feed implements client.
func (w *writer) feed(b []byte) error {
	return w.answers.feed(b, func(body []byte) error {
		if !bytes.Contains(body, revisionAnswer) || w.pending == nil {
			return fmt.Errorf("no change: %s", body)
		}
		w.pending.answer(time.Now())
		w.pending = nil
		return nil
	})
}

// lost implements client. The crowd stops with the first connection that ends.
func (w *writer) lost() {}
