-- What people are asked by processes: one row a user task, the fold of its events.
--
-- Far fewer than instances, and asked for by who may do them rather than by when they came: no hypertable.
CREATE TABLE tasks (
    id                 text        NOT NULL PRIMARY KEY,  -- '<instance id>:<execution>'
    instance_id        uuid        NOT NULL,
    started_at         timestamptz NOT NULL,             -- of the instance: with instance_id its key
    execution          integer     NOT NULL,
    activity_id        text        NOT NULL,
    definition_id      text        NOT NULL,
    definition_version integer     NOT NULL,
    title              text        NOT NULL,
    description        text,
    status             text        NOT NULL CHECK (status IN ('created', 'claimed', 'completed', 'cancelled')),
    assignee           text,                             -- who has it, or had it last
    owner              text,                             -- who has delegated it, and gets it back
    candidate_users    text[]      NOT NULL,
    candidate_groups   text[]      NOT NULL,             -- with no users either: anybody may claim it
    queue              text,
    priority           integer     NOT NULL,             -- 0 to 100, the higher the more urgent
    due                timestamptz,
    form               jsonb,                            -- JSON Schema of the answers
    outcomes           text[]      NOT NULL,             -- the ways in which it may be answered
    approvers          text[]      NOT NULL,             -- where each of several has to answer
    votes              jsonb       NOT NULL,             -- their answers so far: user → approved or rejected
    answers            jsonb,                            -- of several approvers: user → answers
    outcome            text,
    reminders          integer     NOT NULL,             -- so far
    escalation_level   integer     NOT NULL,             -- 0: never escalated
    last_seq           integer     NOT NULL,             -- of the last event that this row reflects
    created_at         timestamptz NOT NULL,
    claimed_at         timestamptz,                      -- since when the assignee has it
    completed_at       timestamptz,                      -- when it was completed or cancelled
    completed_by       text,
    updated_at         timestamptz NOT NULL
);

-- Whose turn is it?  Only what is open is asked for by person and queue.
CREATE INDEX tasks_assignee ON tasks (assignee, priority DESC, created_at) WHERE status IN ('created', 'claimed');
CREATE INDEX tasks_open ON tasks (queue, priority DESC, created_at) WHERE status IN ('created', 'claimed');
CREATE INDEX tasks_instance ON tasks (instance_id);
CREATE INDEX tasks_created ON tasks (created_at DESC, id DESC);
