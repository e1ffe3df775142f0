-- Writes whose sender named them by the header Idempotency-Key. A replay leaves this table alone; times are the wall's.
CREATE TABLE idempotency_keys (
    principal    text        NOT NULL,                   -- '<kind> <id>' of who asked
    key          text        NOT NULL,
    route        text        NOT NULL,                   -- method and path
    body_hash    bytea       NOT NULL CHECK (length(body_hash) = 32),   -- SHA-256
    seed         uuid        NOT NULL,                   -- the ids of commands and instances follow from it
    reserved_at  timestamptz NOT NULL,                   -- when ids were planned
    locked_until timestamptz NOT NULL,                   -- then whoever carries it out is taken for gone
    status       integer,                                -- of the answer; null: there is none yet
    headers      jsonb,
    answer       bytea,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);
