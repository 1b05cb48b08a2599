-- A step is its length in seconds: 1, 60, 3600 or 86400. Times are seconds since 1970 in UTC; at is when the
-- step begins. Figures are exact.

-- +goose Up
CREATE TABLE rollup_node (
    node     TEXT    PRIMARY KEY,
    sequence INTEGER NOT NULL, -- of its latest batch
    seen     INTEGER NOT NULL  -- when that was made
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_series (
    id        INTEGER PRIMARY KEY, -- a hash of the labels
    kind      TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    document  TEXT    NOT NULL,
    field     TEXT    NOT NULL,
    topic     TEXT    NOT NULL,
    consumer  TEXT    NOT NULL,
    issuer    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    plan      TEXT    NOT NULL,
    transport TEXT    NOT NULL,
    client    TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    country   TEXT    NOT NULL,
    seen      INTEGER NOT NULL -- when something was added to it, to the hour
) STRICT;

CREATE TABLE rollup_point (
    step            INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    series          INTEGER NOT NULL,
    started         INTEGER NOT NULL,
    ended           INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    events          INTEGER NOT NULL,
    bytes           INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    connected_ms    INTEGER NOT NULL,
    dropped_slow    INTEGER NOT NULL,
    dropped_rate    INTEGER NOT NULL,
    dropped_lease   INTEGER NOT NULL,
    dropped_write   INTEGER NOT NULL,
    dropped_decode  INTEGER NOT NULL,
    dropped_overrun INTEGER NOT NULL,
    PRIMARY KEY (step, at, series)
) STRICT, WITHOUT ROWID;

-- Seconds are many and soon gone: they are read by time alone.
CREATE INDEX rollup_point_by_series ON rollup_point (series, step, at) WHERE step > 1;

CREATE TABLE rollup_ending (
    step   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    series INTEGER NOT NULL,
    code   TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (step, at, series, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_latency (
    step   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    field  TEXT    NOT NULL,
    bucket INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (step, at, field, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_gauge (
    step   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    millis INTEGER NOT NULL, -- what it stood at, times the milliseconds that it did
    PRIMARY KEY (step, at, name)
) STRICT, WITHOUT ROWID;

-- One row, which whoever prunes holds.
CREATE TABLE rollup_prune (
    walked INTEGER NOT NULL -- the series that was looked at last
) STRICT;

INSERT INTO rollup_prune (walked) VALUES (-9223372036854775808);

-- +goose Down
DROP TABLE rollup_prune;
DROP TABLE rollup_gauge;
DROP TABLE rollup_latency;
DROP TABLE rollup_ending;
DROP TABLE rollup_point;
DROP TABLE rollup_series;
DROP TABLE rollup_node;
