-- A step is its length in seconds: 1, 60, 3600 or 86400. Times are seconds since 1970 in UTC; at is when the
-- step begins. Figures are exact.

-- +goose Up
CREATE TABLE rollup_node (
    node     TEXT   COLLATE "C" PRIMARY KEY,
    sequence BIGINT NOT NULL, -- of its latest batch
    seen     BIGINT NOT NULL  -- when that was made
);

CREATE TABLE rollup_series (
    id        BIGINT PRIMARY KEY, -- a hash of the labels
    kind      TEXT   COLLATE "C" NOT NULL,
    operation TEXT   COLLATE "C" NOT NULL,
    document  TEXT   COLLATE "C" NOT NULL,
    field     TEXT   COLLATE "C" NOT NULL,
    topic     TEXT   COLLATE "C" NOT NULL,
    consumer  TEXT   COLLATE "C" NOT NULL,
    issuer    TEXT   COLLATE "C" NOT NULL,
    subject   TEXT   COLLATE "C" NOT NULL,
    plan      TEXT   COLLATE "C" NOT NULL,
    transport TEXT   COLLATE "C" NOT NULL,
    client    TEXT   COLLATE "C" NOT NULL,
    version   TEXT   COLLATE "C" NOT NULL,
    country   TEXT   COLLATE "C" NOT NULL,
    seen      BIGINT NOT NULL -- when something was added to it, to the hour
);

CREATE TABLE rollup_point (
    step            BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    series          BIGINT NOT NULL,
    started         BIGINT NOT NULL,
    ended           BIGINT NOT NULL,
    refused         BIGINT NOT NULL,
    events          BIGINT NOT NULL,
    bytes           BIGINT NOT NULL,
    failed          BIGINT NOT NULL,
    connected_ms    BIGINT NOT NULL,
    dropped_slow    BIGINT NOT NULL,
    dropped_rate    BIGINT NOT NULL,
    dropped_lease   BIGINT NOT NULL,
    dropped_write   BIGINT NOT NULL,
    dropped_decode  BIGINT NOT NULL,
    dropped_overrun BIGINT NOT NULL,
    PRIMARY KEY (step, at, series)
) WITH (fillfactor = 80); -- a row changes every 2 s until its step is over: on its own page no index is touched

-- Seconds are many and soon gone: they are read by time alone.
CREATE INDEX rollup_point_by_series ON rollup_point (series, step, at) WHERE step > 1;

CREATE TABLE rollup_ending (
    step   BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    series BIGINT NOT NULL,
    code   TEXT   COLLATE "C" NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (step, at, series, code)
);

CREATE TABLE rollup_latency (
    step   BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    field  TEXT   COLLATE "C" NOT NULL,
    bucket BIGINT NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (step, at, field, bucket)
);

CREATE TABLE rollup_gauge (
    step   BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    name   TEXT   COLLATE "C" NOT NULL,
    millis BIGINT NOT NULL, -- what it stood at, times the milliseconds that it did
    PRIMARY KEY (step, at, name)
);

-- One row, which whoever prunes holds.
CREATE TABLE rollup_prune (
    walked BIGINT NOT NULL -- the series that was looked at last
);

INSERT INTO rollup_prune (walked) VALUES (-9223372036854775808);

-- +goose Down
DROP TABLE rollup_prune;
DROP TABLE rollup_gauge;
DROP TABLE rollup_latency;
DROP TABLE rollup_ending;
DROP TABLE rollup_point;
DROP TABLE rollup_series;
DROP TABLE rollup_node;
