-- How often each activity has completed, failed, …, why, and how long it took: by the hour in which it ended.
--
-- Durations (of completed ones) and errors are each kept with how often they came: durations rounded to two significant
-- digits, so within 5 %, like those of process_rollups.
CREATE TABLE activity_rollups (
    partition       integer     NOT NULL,                -- of the topic process-events
    definition_id   text        NOT NULL,
    activity_id     text        NOT NULL,
    hour            timestamptz NOT NULL,                -- in which it ended, or was skipped, or tried again
    completed       integer     NOT NULL,
    failed          integer     NOT NULL,                -- after all attempts, caught or not
    cancelled       integer     NOT NULL,
    skipped         integer     NOT NULL,                -- its condition was not met
    retries         integer     NOT NULL,                -- attempts beyond the first
    duration_ms     bigint      NOT NULL,                -- of all completed ones, the sum
    durations       bigint[]    NOT NULL,                -- ms, rounded, ascending
    duration_counts integer[]   NOT NULL,                -- how many completed ones took that
    error_types     text[]      NOT NULL,
    error_counts    integer[]   NOT NULL,                -- how many failed with that
    PRIMARY KEY (partition, definition_id, activity_id, hour)
) WITH (fillfactor = 70);
CREATE INDEX activity_rollups_definition ON activity_rollups (definition_id, hour DESC);
CREATE INDEX activity_rollups_hour ON activity_rollups (hour);

-- What the histories say that exist already; a replay says the same.
INSERT INTO activity_rollups
WITH places AS (
    SELECT instance_id, seq, timestamp, event_type, definition_id, activity_id, data,
           lag(event_type) OVER place AS before, lag(timestamp) OVER place AS since
    FROM process_history
    WHERE activity_id IS NOT NULL
      AND event_type IN ('activity_started', 'activity_completed', 'decision_evaluated', 'timer_fired', 'activity_failed',
                         'error_caught', 'failed', 'incident_created', 'activity_cancelled')
    WINDOW place AS (PARTITION BY instance_id, activity_id, token ORDER BY seq)
), ended AS (
    SELECT *, CASE
        WHEN event_type IN ('activity_completed', 'decision_evaluated', 'timer_fired') THEN 'completed'
        WHEN event_type = 'activity_cancelled' THEN 'cancelled'
        WHEN event_type = 'activity_failed' OR before = 'activity_started'
          OR (event_type = 'error_caught' AND data ? 'execution') THEN 'failed' END AS outcome
    FROM places WHERE event_type <> 'activity_started'
    UNION ALL
    SELECT instance_id, seq, timestamp, event_type, definition_id, activity_id, data, NULL, NULL,
           CASE event_type WHEN 'activity_skipped' THEN 'skipped' ELSE 'retry' END
    FROM process_history WHERE activity_id IS NOT NULL AND event_type IN ('activity_skipped', 'retry_scheduled')
), told AS (
    SELECT (get_byte(uuid_send(instance_id), 6) & 15) << 8 | get_byte(uuid_send(instance_id), 7) AS partition,
           definition_id, activity_id, date_trunc('hour', timestamp, 'UTC') AS hour, outcome,
           CASE WHEN outcome = 'failed' THEN coalesce(data ->> 'error_type', 'timeout') END AS error_type,
           round(extract(epoch FROM timestamp - CASE
               WHEN outcome <> 'completed' THEN NULL
               WHEN before = 'activity_started' THEN since
               ELSE (SELECT h.timestamp FROM process_history AS h      -- a migration has given it another name meanwhile
                     WHERE h.instance_id = ended.instance_id AND h.seq < ended.seq AND h.timestamp <= ended.timestamp
                       AND h.event_type = 'activity_started' AND h.data -> 'execution' = ended.data -> 'execution')
           END) * 1000)::bigint AS ms
    FROM ended WHERE outcome IS NOT NULL
), rounded AS (
    SELECT *, CASE WHEN ms < 100 THEN ms ELSE round(ms::numeric, 1 - floor(log(ms::numeric))::int)::bigint END AS short
    FROM told
), durations AS (
    SELECT partition, definition_id, activity_id, hour,
           array_agg(short ORDER BY short) AS durations, array_agg(count ORDER BY short) AS duration_counts
    FROM (
        SELECT partition, definition_id, activity_id, hour, short, count(*)::int AS count
        FROM rounded WHERE short IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS each
    GROUP BY 1, 2, 3, 4
), errors AS (
    SELECT partition, definition_id, activity_id, hour, array_agg(error_type ORDER BY error_type COLLATE "C") AS error_types,
           array_agg(count ORDER BY error_type COLLATE "C") AS error_counts
    FROM (
        SELECT partition, definition_id, activity_id, hour, error_type, count(*)::int AS count
        FROM rounded WHERE error_type IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS each
    GROUP BY 1, 2, 3, 4
), counts AS (
    SELECT partition, definition_id, activity_id, hour,
           count(*) FILTER (WHERE outcome = 'completed') AS completed,
           count(*) FILTER (WHERE outcome = 'failed') AS failed,
           count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
           count(*) FILTER (WHERE outcome = 'retry') AS retries,
           coalesce(sum(ms), 0)::bigint AS duration_ms
    FROM rounded GROUP BY 1, 2, 3, 4
)
SELECT counts.*, coalesce(durations, '{}'), coalesce(duration_counts, '{}'), coalesce(error_types, '{}'),
       coalesce(error_counts, '{}')
FROM counts LEFT JOIN durations USING (partition, definition_id, activity_id, hour)
LEFT JOIN errors USING (partition, definition_id, activity_id, hour);
