package store

import "strconv"

// orders gathers the rows of a join of orders and their lines, which come order by order.
type orders []Order

func (found *orders) scan(r row) error {
	var (
		o                     Order
		line                  OrderLine
		product               int64
		placedAtMs, updatedMs int64
	)
	err := r.Scan(&o.ID, &o.Customer, (*int64)(&o.Total), &o.Currency, (*string)(&o.Status),
		&placedAtMs, &updatedMs, &product, &line.Quantity, (*int64)(&line.Price))
	if err != nil {
		return err
	}
	line.ProductID = strconv.FormatInt(product, 10)
	if n := len(*found); n == 0 || (*found)[n-1].ID != o.ID {
		o.PlacedAt, o.UpdatedAt = fromMillis(placedAtMs), fromMillis(updatedMs)
		*found = append(*found, o)
	}
	last := &(*found)[len(*found)-1]
	last.Lines = append(last.Lines, line)
	return nil
}

func (found orders) first() *Order {
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}
