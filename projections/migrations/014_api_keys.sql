-- Who may ask the gateway. A replay leaves this table alone; times are the wall's, not the plant's.
CREATE TABLE api_keys (
    id           text        PRIMARY KEY,                -- stands in the key: weir_<id>_<secret>
    name         text        NOT NULL CHECK (name <> ''),
    user_id      text        CHECK (user_id <> ''),      -- as whom it acts; null: under its own name
    secret_hash  bytea       NOT NULL CHECK (length(secret_hash) = 32),   -- SHA-256; the secret itself is nowhere
    roles        text[]      NOT NULL DEFAULT '{}',
    scopes       text[]      NOT NULL DEFAULT '{}',
    groups       text[]      NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text        NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    revoked_by   text,
    last_used_at timestamptz                             -- to the minute
);
