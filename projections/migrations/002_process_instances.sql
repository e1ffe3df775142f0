-- The present state of every instance: the fold of its events.
--
-- A hypertable's unique key must hold the time column, hence (id, started_at); started_at is also the first 48 bits of
-- the id, so whoever has an id finds the one chunk. Nothing references this table by a foreign key for the same reason.
CREATE TABLE process_instances (
    id                 uuid        NOT NULL,
    definition_id      text        NOT NULL,
    definition_version integer     NOT NULL,
    status             text        NOT NULL
        CHECK (status IN ('running', 'suspended', 'completed', 'failed', 'cancelled', 'timeout')),
    status_since       timestamptz,                      -- null: the row was deleted and came back with a later event
    business_key       text,
    current_activity   text,                             -- where it stands or stopped; null once completed
    variables          jsonb       NOT NULL DEFAULT '{}',
    error              text,
    steps              integer     NOT NULL DEFAULT 0,   -- activities started so far
    last_seq           integer     NOT NULL,             -- of the last event that this row reflects
    started_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    completed_at       timestamptz,                      -- when it ended, in whichever way
    PRIMARY KEY (id, started_at)
);

SELECT create_hypertable('process_instances', by_range('started_at', interval '7 days'), create_default_indexes => false);

-- "The newest", and the order in which lists are paged.
CREATE INDEX process_instances_started ON process_instances (started_at DESC, id DESC);
CREATE INDEX process_instances_status ON process_instances (status, started_at DESC, id DESC);
CREATE INDEX process_instances_definition ON process_instances (definition_id, started_at DESC, id DESC);
CREATE INDEX process_instances_key ON process_instances (business_key, started_at DESC, id DESC)
    WHERE business_key IS NOT NULL;
