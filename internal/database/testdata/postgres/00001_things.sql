-- +goose Up
CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT NOT NULL, amount BIGINT NOT NULL);

-- +goose Down
DROP TABLE things;
