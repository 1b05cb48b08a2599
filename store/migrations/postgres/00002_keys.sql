-- Lists are JSON, times are milliseconds since 1970 in UTC, and 0 is never.

-- +goose Up
CREATE TABLE api_keys (
    id              TEXT    COLLATE "C" PRIMARY KEY,
    name            TEXT    COLLATE "C" NOT NULL,
    consumer        TEXT    COLLATE "C" NOT NULL,
    subject         TEXT    COLLATE "C" NOT NULL,
    scopes          TEXT    COLLATE "C" NOT NULL,
    publish         TEXT    COLLATE "C" NOT NULL,
    plan            TEXT    COLLATE "C" NOT NULL,
    origins         TEXT    COLLATE "C" NOT NULL,
    addresses       TEXT    COLLATE "C" NOT NULL,
    created_at      BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,
    revoked_at      BIGINT  NOT NULL,
    -- The secrets take turns. The previous one has number 0 where there is none.
    secret          INTEGER NOT NULL,
    secret_hash     BYTEA   NOT NULL CHECK (length(secret_hash) = 32),
    previous        INTEGER NOT NULL,
    previous_hash   BYTEA   NOT NULL CHECK (length(previous_hash) = 32),
    previous_until  BIGINT  NOT NULL
);

CREATE INDEX api_keys_by_age      ON api_keys (created_at, id);
CREATE INDEX api_keys_by_consumer ON api_keys (consumer, created_at, id);

-- +goose Down
DROP TABLE api_keys;
