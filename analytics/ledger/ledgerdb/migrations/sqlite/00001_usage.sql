-- Times are milliseconds since 1970 in UTC, and 0 is never. Figures are exact.

-- +goose Up
CREATE TABLE usage_batch (
    id            TEXT    PRIMARY KEY,
    node          TEXT    NOT NULL,
    sequence      INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    entries       TEXT   NOT NULL, -- JSON: what was added to usage_hour
    claimed_until INTEGER NOT NULL, -- somebody sends it to the webhook
    sent_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX usage_batch_by_time ON usage_batch (at, id);
CREATE INDEX usage_batch_unsent  ON usage_batch (at, id) WHERE sent_at = 0;

CREATE TABLE usage_hour (
    hour         INTEGER NOT NULL,
    issuer       TEXT    NOT NULL,
    consumer     TEXT    NOT NULL,
    plan         TEXT    NOT NULL,
    field        TEXT    NOT NULL,
    events       INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    connected_ms INTEGER NOT NULL,
    requests     INTEGER NOT NULL,
    PRIMARY KEY (hour, issuer, consumer, plan, field)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_hour_by_consumer ON usage_hour (consumer, hour, issuer, plan, field);

-- +goose Down
DROP TABLE usage_hour;
DROP TABLE usage_batch;
