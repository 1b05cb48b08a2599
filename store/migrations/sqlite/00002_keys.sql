-- Lists are JSON, times are milliseconds since 1970 in UTC, and 0 is never.

-- +goose Up
CREATE TABLE api_keys (
    id              TEXT    PRIMARY KEY,
    name            TEXT    NOT NULL,
    consumer        TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    scopes          TEXT    NOT NULL,
    publish         TEXT    NOT NULL,
    plan            TEXT    NOT NULL,
    origins         TEXT    NOT NULL,
    addresses       TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER NOT NULL,
    -- The secrets take turns. The previous one has number 0 where there is none.
    secret          INTEGER NOT NULL,
    secret_hash     BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    previous        INTEGER NOT NULL,
    previous_hash   BLOB    NOT NULL CHECK (length(previous_hash) = 32),
    previous_until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_age      ON api_keys (created_at, id);
CREATE INDEX api_keys_by_consumer ON api_keys (consumer, created_at, id);

-- +goose Down
DROP TABLE api_keys;
