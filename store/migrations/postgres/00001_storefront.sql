-- Amounts are hundredths, times are milliseconds since 1970 in UTC. Text is sorted and compared by
-- its bytes, whatever the database's own collation: as in SQLite.

-- +goose Up
CREATE TABLE products (
    id          BIGINT PRIMARY KEY,
    name        TEXT    COLLATE "C" NOT NULL,
    description TEXT    COLLATE "C" NOT NULL,
    category    TEXT    COLLATE "C" NOT NULL,
    price       BIGINT  NOT NULL CHECK (price > 0),
    currency    TEXT    COLLATE "C" NOT NULL,
    stock       INTEGER NOT NULL CHECK (stock >= 0),
    revision    INTEGER NOT NULL DEFAULT 1,
    updated_at  BIGINT  NOT NULL
);

-- One per order of products: a page is then a walk along its index.
CREATE INDEX products_by_name    ON products (name, id);
CREATE INDEX products_by_price   ON products (price, id);
CREATE INDEX products_by_updated ON products (updated_at, id);

CREATE TABLE orders (
    id         TEXT   COLLATE "C" PRIMARY KEY,
    customer   TEXT   COLLATE "C" NOT NULL,
    total      BIGINT NOT NULL,
    currency   TEXT   COLLATE "C" NOT NULL,
    status     TEXT   COLLATE "C" NOT NULL,
    placed_at  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX orders_by_customer ON orders (customer, id);

CREATE TABLE order_lines (
    order_id   TEXT    COLLATE "C" NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    product_id BIGINT  NOT NULL REFERENCES products (id),
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    price      BIGINT  NOT NULL,
    PRIMARY KEY (order_id, position)
);

-- +goose Down
DROP TABLE order_lines;
DROP TABLE orders;
DROP TABLE products;
