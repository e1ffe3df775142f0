-- Every event of every instance, in full: the queryable copy of the topic process-events.
--
-- An event's identity is (instance_id, seq); a random id of its own would differ after every replay, so there is none.
CREATE TABLE process_history (
    instance_id        uuid        NOT NULL,
    seq                integer     NOT NULL,             -- from 1 without a gap
    timestamp          timestamptz NOT NULL,             -- plant time
    event_type         text        NOT NULL,
    activity_id        text,
    message            text,
    data               jsonb       NOT NULL DEFAULT '{}',
    definition_id      text        NOT NULL,
    definition_version integer     NOT NULL,
    cause              text        NOT NULL,             -- '<partition>:<offset>' of the command, or '<partition>:timer'
    UNIQUE (instance_id, seq, timestamp)                 -- also answers "the history of this instance"
);

SELECT create_hypertable('process_history', by_range('timestamp', interval '1 day'), create_default_indexes => false);

CREATE INDEX process_history_timestamp ON process_history (timestamp DESC);
