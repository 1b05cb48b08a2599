package model

import "github.com/sluice-gateway/sluice/store"

// NewPriceChange is the event of a new price; note may be nil.
func NewPriceChange(r *store.Repriced, note *string) *PriceChange {
	p := r.Product
	return &PriceChange{
		ProductID:     &p.ID,
		Price:         &p.Price,
		PreviousPrice: &r.Previous,
		Currency:      &p.Currency,
		Revision:      &p.Revision,
		Note:          note,
		ChangedAt:     &p.UpdatedAt,
	}
}

// NewStockChange is the event of a new stock.
func NewStockChange(r *store.Restocked) *StockChange {
	p := r.Product
	return &StockChange{
		ProductID:     &p.ID,
		Stock:         &p.Stock,
		PreviousStock: &r.Previous,
		Revision:      &p.Revision,
		ChangedAt:     &p.UpdatedAt,
	}
}

// NewOrderStatusChange is the event of a new status.
func NewOrderStatusChange(a *store.Advanced) *OrderStatusChange {
	o := a.Order
	return &OrderStatusChange{
		OrderID:        &o.ID,
		Customer:       &o.Customer,
		Status:         &o.Status,
		PreviousStatus: &a.Previous,
		ChangedAt:      &o.UpdatedAt,
	}
}
