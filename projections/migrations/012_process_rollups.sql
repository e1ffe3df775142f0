-- How many instances are in which status, by version and hour of the start: what lists and statistics count with.
--
-- Durations (of completed instances) are rounded to two significant digits, so within 5 %, and kept with how often each
-- came: percentiles follow from the sums over any rows.
CREATE TABLE process_rollups (
    partition          integer     NOT NULL,             -- of the topic process-events
    definition_id      text        NOT NULL,
    definition_version integer     NOT NULL,
    hour               timestamptz NOT NULL,             -- in which the instances started
    running            integer     NOT NULL,
    suspended          integer     NOT NULL,
    completed          integer     NOT NULL,
    failed             integer     NOT NULL,
    cancelled          integer     NOT NULL,
    timeout            integer     NOT NULL,
    duration_ms        bigint      NOT NULL,             -- of all completed ones, the sum
    durations          bigint[]    NOT NULL,             -- ms, rounded, ascending
    duration_counts    integer[]   NOT NULL,             -- how many completed ones took that
    PRIMARY KEY (partition, definition_id, definition_version, hour)
) WITH (fillfactor = 70);
CREATE INDEX process_rollups_definition ON process_rollups (definition_id, hour DESC);

ALTER TABLE process_instances
    ADD COLUMN steps_completed integer NOT NULL DEFAULT 0,  -- activities that have completed
    ADD COLUMN trigger jsonb;                               -- what set the instance off, as its start told

-- What the tables say that exist already; a replay says the same.
UPDATE process_instances SET steps_completed = found.completed, trigger = found.trigger
FROM (
    SELECT instance_id, count(*) FILTER (WHERE event_type <> 'started') AS completed,
           (jsonb_agg(data -> 'trigger') FILTER (WHERE event_type = 'started')) -> 0 AS trigger
    FROM process_history
    WHERE event_type IN ('started', 'activity_completed', 'decision_evaluated', 'timer_fired')
    GROUP BY instance_id
) AS found
WHERE found.instance_id = process_instances.id;

INSERT INTO process_rollups
WITH told AS (
    SELECT (get_byte(uuid_send(id), 6) & 15) << 8 | get_byte(uuid_send(id), 7) AS partition,
           definition_id, definition_version, date_trunc('hour', started_at, 'UTC') AS hour, status,
           CASE WHEN status = 'completed'
                THEN greatest(0, round(extract(epoch FROM completed_at - started_at) * 1000))::bigint END AS ms
    FROM process_instances
), rounded AS (
    SELECT *, CASE WHEN ms < 100 THEN ms ELSE round(ms::numeric, 1 - floor(log(ms::numeric))::int)::bigint END AS short
    FROM told
), durations AS (
    SELECT partition, definition_id, definition_version, hour,
           array_agg(short ORDER BY short) AS durations, array_agg(count ORDER BY short) AS duration_counts
    FROM (
        SELECT partition, definition_id, definition_version, hour, short, count(*)::int AS count
        FROM rounded WHERE short IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS each
    GROUP BY 1, 2, 3, 4
), counts AS (
    SELECT partition, definition_id, definition_version, hour,
           count(*) FILTER (WHERE status = 'running') AS running,
           count(*) FILTER (WHERE status = 'suspended') AS suspended,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE status = 'timeout') AS timeout,
           coalesce(sum(ms), 0)::bigint AS duration_ms
    FROM rounded GROUP BY 1, 2, 3, 4
)
SELECT counts.*, coalesce(durations, '{}') AS durations, coalesce(duration_counts, '{}') AS duration_counts
FROM counts LEFT JOIN durations USING (partition, definition_id, definition_version, hour);
