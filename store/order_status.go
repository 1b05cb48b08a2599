package store

import (
	"fmt"
	"slices"
)

// An OrderStatus says how far an order has come.
type OrderStatus string

// The statuses of an order.
const (
	OrderPlaced    OrderStatus = "PLACED"
	OrderPacked    OrderStatus = "PACKED"
	OrderShipped   OrderStatus = "SHIPPED"
	OrderDelivered OrderStatus = "DELIVERED"
)

// way is the statuses in the order in which an order passes through them.
var way = []OrderStatus{OrderPlaced, OrderPacked, OrderShipped, OrderDelivered}

// next gives the status that follows s, or false at the end of the way.
func (s OrderStatus) next() (OrderStatus, bool) {
	i := slices.Index(way, s)
	if i < 0 || i == len(way)-1 {
		return "", false
	}
	return way[i+1], true
}

// Known reports whether s is a status of ours: who writes to the database itself may have made one up.
func (s OrderStatus) Known() bool { return slices.Contains(way, s) }

// UnmarshalText refuses a status that is not one of ours: an event may bring anything.
func (s *OrderStatus) UnmarshalText(text []byte) error {
	if !OrderStatus(text).Known() {
		return fmt.Errorf("%q is not a status of an order", text)
	}
	*s = OrderStatus(text)
	return nil
}
