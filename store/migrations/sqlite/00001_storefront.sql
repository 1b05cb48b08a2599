-- Amounts are hundredths, times are milliseconds since 1970 in UTC.

-- +goose Up
CREATE TABLE products (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    price       INTEGER NOT NULL CHECK (price > 0),
    currency    TEXT    NOT NULL,
    stock       INTEGER NOT NULL CHECK (stock >= 0),
    revision    INTEGER NOT NULL DEFAULT 1,
    updated_at  INTEGER NOT NULL
) STRICT;

-- One per order of products: a page is then a walk along its index.
CREATE INDEX products_by_name    ON products (name, id);
CREATE INDEX products_by_price   ON products (price, id);
CREATE INDEX products_by_updated ON products (updated_at, id);

CREATE TABLE orders (
    id         TEXT    PRIMARY KEY,
    customer   TEXT    NOT NULL,
    total      INTEGER NOT NULL,
    currency   TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    placed_at  INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_customer ON orders (customer, id);

CREATE TABLE order_lines (
    order_id   TEXT    NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    price      INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE order_lines;
DROP TABLE orders;
DROP TABLE products;
