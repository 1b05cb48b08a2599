-- Times are milliseconds since 1970 in UTC, and 0 is never. Figures are exact.

-- +goose Up
CREATE TABLE usage_batch (
    id            TEXT   COLLATE "C" PRIMARY KEY,
    node          TEXT   COLLATE "C" NOT NULL,
    sequence      BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    entries       TEXT   NOT NULL, -- JSON: what was added to usage_hour
    claimed_until BIGINT NOT NULL, -- somebody sends it to the webhook
    sent_at       BIGINT NOT NULL
);

CREATE INDEX usage_batch_by_time ON usage_batch (at, id);
CREATE INDEX usage_batch_unsent  ON usage_batch (at, id) WHERE sent_at = 0;

CREATE TABLE usage_hour (
    hour         BIGINT NOT NULL,
    issuer       TEXT   COLLATE "C" NOT NULL,
    consumer     TEXT   COLLATE "C" NOT NULL,
    plan         TEXT   COLLATE "C" NOT NULL,
    field        TEXT   COLLATE "C" NOT NULL,
    events       BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    connected_ms BIGINT NOT NULL,
    requests     BIGINT NOT NULL,
    PRIMARY KEY (hour, issuer, consumer, plan, field)
);

CREATE INDEX usage_hour_by_consumer ON usage_hour (consumer, hour, issuer, plan, field);

-- +goose Down
DROP TABLE usage_hour;
DROP TABLE usage_batch;
