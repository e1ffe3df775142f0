-- The station: what exists nowhere else. No replay touches these tables; people and programs may change them.
-- Whoever changes what others wait for puts the event of it into station_outbox in the same transaction. Times are plant
-- time.

CREATE TABLE users (
    id            text        PRIMARY KEY,
    name          text        NOT NULL,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    online        boolean     NOT NULL DEFAULT false,
    seen_at       timestamptz,                           -- the last position or message of theirs
    registered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_online ON users (seen_at) WHERE online;

CREATE TABLE groups (
    id         text        PRIMARY KEY,
    name       text        NOT NULL,
    metadata   jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE group_members (
    group_id text        NOT NULL REFERENCES groups ON DELETE CASCADE,
    user_id  text        NOT NULL REFERENCES users ON DELETE CASCADE,
    since    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user ON group_members (user_id);

-- A circle or a polygon, whose corners are [{"lat": …, "lon": …}, …].
CREATE TABLE zones (
    id         text             PRIMARY KEY,
    name       text             NOT NULL,
    lat        double precision CHECK (lat BETWEEN -90 AND 90),
    lon        double precision CHECK (lon BETWEEN -180 AND 180),
    radius_m   double precision CHECK (radius_m > 0),
    polygon    jsonb,
    margin_m   double precision NOT NULL DEFAULT 10 CHECK (margin_m >= 0),  -- beyond the edge, before one has left
    active     boolean          NOT NULL DEFAULT true,
    metadata   jsonb            NOT NULL DEFAULT '{}',
    updated_at timestamptz      NOT NULL DEFAULT now(),
    CHECK (CASE WHEN polygon IS NULL THEN num_nulls(lat, lon, radius_m) = 0
                ELSE num_nonnulls(lat, lon, radius_m) = 0 AND jsonb_typeof(polygon) = 'array' END)
);

-- Who is in which zone now.
CREATE TABLE zone_members (
    zone_id text        NOT NULL REFERENCES zones ON DELETE CASCADE,
    user_id text        NOT NULL REFERENCES users ON DELETE CASCADE,
    since   timestamptz NOT NULL,
    PRIMARY KEY (zone_id, user_id)
);
CREATE INDEX zone_members_user ON zone_members (user_id);

-- Where everybody was last; all positions are in telemetry.
CREATE TABLE positions (
    user_id    text             PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    lat        double precision NOT NULL,
    lon        double precision NOT NULL,
    accuracy_m double precision NOT NULL DEFAULT 0,
    time       timestamptz      NOT NULL
) WITH (fillfactor = 50);

-- What a bot listens for: triggers are [{"name": …, "word": …, "response": …}, …].
CREATE TABLE bots (
    id         text        PRIMARY KEY,
    name       text        NOT NULL,
    enabled    boolean     NOT NULL DEFAULT true,
    triggers   jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(triggers) = 'array'),
    metadata   jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What people wrote to the station (in), and what it wrote to them (out).
CREATE TABLE messages (
    id        text        PRIMARY KEY,
    direction text        NOT NULL CHECK (direction IN ('in', 'out')),
    kind      text        NOT NULL CHECK (kind IN ('message', 'notification')),
    user_id   text        REFERENCES users ON DELETE CASCADE,   -- who wrote it, or for whom it is
    channel   text,
    bot_id    text        REFERENCES bots ON DELETE SET NULL,
    title     text,
    text      text        NOT NULL,
    sender    text,                                             -- of one that goes out: the instance, or a name
    time      timestamptz NOT NULL
);
CREATE INDEX messages_time ON messages (time DESC);
CREATE INDEX messages_user ON messages (user_id, time DESC) WHERE user_id IS NOT NULL;
CREATE INDEX messages_channel ON messages (channel, time DESC) WHERE channel IS NOT NULL;

CREATE TABLE alerts (
    id              text        PRIMARY KEY,
    key             text,                                       -- what it is about
    severity        text        NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    status          text        NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
    title           text        NOT NULL,
    message         text,
    zone_id         text,
    user_id         text,
    data            jsonb,
    created_at      timestamptz NOT NULL,
    created_by      text        NOT NULL,                       -- an instance's id, or a person
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at     timestamptz,
    resolved_by     text,
    note            text
);
CREATE UNIQUE INDEX alerts_open ON alerts (key) WHERE status <> 'resolved';
CREATE INDEX alerts_status ON alerts (status, created_at DESC, id DESC);
CREATE INDEX alerts_created ON alerts (created_at DESC, id DESC);

-- Records on their way to Kafka. The relay numbers them in an order that is fixed from then on (seq), sends them, and
-- deletes what Kafka has.
CREATE TABLE station_outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq       bigint UNIQUE,
    topic     text  NOT NULL,
    partition integer,                                          -- null: the one of the key
    key       bytea,
    value     bytea,
    headers   bytea                                             -- msgpack: [[name, value], …]
);
CREATE INDEX station_outbox_new ON station_outbox (id) WHERE seq IS NULL;
CREATE SEQUENCE station_outbox_seq;

-- How far the station has read the topics positions and messages, as projection_positions tells it of projected tables.
CREATE TABLE station_positions (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- What actions have done, by their idempotency keys: so that each changes the database once. The action database_execute
-- makes the same table in other databases.
CREATE TABLE IF NOT EXISTS weir_done_actions (
    key     text        PRIMARY KEY,
    result  jsonb,
    done_at timestamptz NOT NULL DEFAULT now()
);
