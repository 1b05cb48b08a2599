package resolvers

// ordersRead is the scope of those who read everybody's orders. Whether a caller may use a field at
// all is the schema's to say; which orders it then finds is decided here.
const ordersRead = "orders:read"
