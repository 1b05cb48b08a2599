-- +goose Up
CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount INTEGER NOT NULL) STRICT;

-- +goose Down
DROP TABLE things;
