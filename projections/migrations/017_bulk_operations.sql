-- What is done to all instances that meet a filter, page by page. A replay leaves this table alone; times are the wall's.
CREATE TABLE bulk_operations (
    id                uuid        PRIMARY KEY,           -- the ids of its commands follow from it
    operation         text        NOT NULL,
    filter            jsonb       NOT NULL,
    parameters        jsonb       NOT NULL,
    status            text        NOT NULL CHECK (status IN ('running', 'completed', 'cancelled', 'failed')),
    error             text,                              -- of one that failed
    created_at        timestamptz NOT NULL DEFAULT now(),
    created_by        text        NOT NULL,
    finished_at       timestamptz,
    total             integer     NOT NULL,              -- when it was made
    total_is_estimate boolean     NOT NULL,              -- there were more
    sent              integer     NOT NULL DEFAULT 0,    -- commands; done and refused are those that are decided
    done              integer     NOT NULL DEFAULT 0,
    refused           integer     NOT NULL DEFAULT 0,
    reasons           jsonb       NOT NULL DEFAULT '{}', -- of refusals, how many each
    refusals          jsonb       NOT NULL DEFAULT '[]', -- the first of them
    last_id           uuid,                              -- of the last page that is over: the next is behind it
    page              jsonb,                             -- instances of the page that is under way, and since when it is
    owner             text,                              -- the gateway that works on it
    locked_until      timestamptz NOT NULL DEFAULT now(),-- then its gateway is taken for gone
    touched_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bulk_operations_open ON bulk_operations (touched_at) WHERE status = 'running' OR page IS NOT NULL;
CREATE INDEX bulk_operations_created ON bulk_operations (created_at DESC, id);
