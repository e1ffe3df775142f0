-- For people who ask by SQL: processes, their executions and steps as a station's people know them, and statistics.

-- Of each definition over all its versions. Percentiles are within 5 %: durations are rounded to two digits.
CREATE VIEW process_statistics AS
WITH counts AS (
    SELECT definition_id, sum(running + suspended + completed + failed + cancelled + timeout) AS execution_count,
           sum(running) AS running, sum(suspended) AS suspended, sum(completed) AS completed, sum(failed) AS failed,
           sum(cancelled) AS cancelled, sum(timeout) AS timeout, sum(duration_ms) AS duration_ms
    FROM process_rollups GROUP BY definition_id
), lasted AS (
    SELECT definition_id, ms, sum(sum(count)) OVER (PARTITION BY definition_id ORDER BY ms) AS up_to,
           sum(sum(count)) OVER (PARTITION BY definition_id) AS count
    FROM process_rollups, unnest(durations, duration_counts) AS each (ms, count)
    GROUP BY definition_id, ms
), percentiles AS (
    SELECT definition_id, min(ms) FILTER (WHERE up_to >= 0.50 * count) AS p50_ms,
           min(ms) FILTER (WHERE up_to >= 0.95 * count) AS p95_ms, min(ms) FILTER (WHERE up_to >= 0.99 * count) AS p99_ms
    FROM lasted GROUP BY definition_id
)
SELECT definition_id, execution_count::bigint, running::bigint, suspended::bigint, completed::bigint, failed::bigint,
       cancelled::bigint, timeout::bigint,
       completed::double precision / nullif(completed + failed + timeout, 0) AS success_rate,   -- of those that ended
       duration_ms::double precision / nullif(completed, 0) AS avg_execution_time,              -- ms, of completed ones
       p50_ms, p95_ms, p99_ms
FROM counts LEFT JOIN percentiles USING (definition_id);

-- One row a definition, of the version that starts instances, else the newest.
CREATE VIEW processes AS
WITH versions AS (
    SELECT DISTINCT ON (d.id) d.id, d.version, d.name, d.definition ->> 'description' AS description,
           d.origin ->> 'template' AS template_id, a.off IS TRUE AS off, coalesce(a.active, d.version) AS active
    FROM process_definitions AS d LEFT JOIN definition_activations AS a USING (id)
    ORDER BY d.id, d.version IS NOT DISTINCT FROM a.active DESC, d.version DESC
), made AS (
    SELECT id, min(created_at) AS created_at, max(created_at) AS updated_at,
           (array_agg(origin ->> 'by' ORDER BY version))[1] AS created_by
    FROM process_definitions GROUP BY id
)
SELECT id, version, name, description, template_id, made.created_by, made.created_at,
       greatest(made.updated_at, changed.changed_at) AS updated_at,
       NOT versions.off AND (changed.id IS NULL OR changed.active IS NOT NULL) AS is_active,
       coalesce(execution_count, 0) AS execution_count, last.started_at AS last_executed, success_rate,
       avg_execution_time
FROM versions JOIN made USING (id)
LEFT JOIN definition_activations AS changed USING (id)
LEFT JOIN process_statistics ON process_statistics.definition_id = id
LEFT JOIN LATERAL (
    SELECT started_at FROM process_instances WHERE process_instances.definition_id = versions.id
    ORDER BY started_at DESC, process_instances.id DESC LIMIT 1
) AS last ON true;

-- One row an instance. Times in ms; `total_steps` are the activities that its version has at the top, but start and end.
CREATE VIEW process_executions AS
SELECT i.id, i.definition_id AS process_id, i.definition_version AS process_version,
       coalesce(i.trigger ->> 'by', i.variables -> 'trigger' -> 'tags' ->> 'user_id', 'system') AS triggered_by,
       CASE jsonb_typeof(i.variables -> 'trigger') WHEN 'object' THEN i.trigger || (i.variables -> 'trigger')
            ELSE i.trigger END AS trigger_event,                 -- where it came from, and what it said
       i.started_at, i.completed_at, i.status, i.error AS error_message,
       round(extract(epoch FROM i.completed_at - i.started_at) * 1000)::bigint AS execution_time_ms,
       i.steps_completed,
       (SELECT count(*) FROM jsonb_array_elements(d.definition -> 'activities') AS one
        WHERE one ->> 'type' NOT IN ('start', 'end')) AS total_steps, i.business_key
FROM process_instances AS i
LEFT JOIN process_definitions AS d ON (d.id, d.version) = (i.definition_id, i.definition_version);

-- One row an activity that an instance has entered or skipped. Ask for it by execution_id.
CREATE VIEW process_execution_steps AS
SELECT h.instance_id || ':' || h.seq AS id, h.instance_id AS execution_id, h.activity_id AS action_id,
       h.timestamp AS started_at, ended.timestamp AS completed_at,
       CASE WHEN h.event_type = 'activity_skipped' THEN 'skipped'
            WHEN ended.event_type IN ('activity_completed', 'decision_evaluated', 'timer_fired', 'completed') THEN 'completed'
            WHEN ended.event_type = 'activity_cancelled' THEN 'skipped'
            WHEN ended.event_type IS NOT NULL THEN 'failed'
            ELSE 'running' END AS status,
       coalesce(ended.data -> 'output', ended.data -> 'result') AS result,
       CASE WHEN ended.event_type IN ('activity_failed', 'failed') THEN ended.data ->> 'error' END AS error_message,
       round(extract(epoch FROM ended.timestamp - h.timestamp) * 1000)::bigint AS execution_time_ms,
       (SELECT count(*) FROM process_history AS r
        WHERE r.instance_id = h.instance_id AND r.seq > h.seq AND r.timestamp >= h.timestamp
          AND r.event_type = 'retry_scheduled' AND r.data -> 'execution' = h.data -> 'execution') AS retry_count,
       h.seq, (h.data ->> 'execution')::integer AS execution, h.data ->> 'activity_type' AS action_type
FROM process_history AS h
LEFT JOIN LATERAL (
    SELECT e.event_type, e.timestamp, e.data FROM process_history AS e
    WHERE e.instance_id = h.instance_id AND e.seq > h.seq AND e.timestamp >= h.timestamp
      AND h.event_type = 'activity_started' AND e.activity_id = h.activity_id
      AND e.token IS NOT DISTINCT FROM h.token
      AND e.event_type IN ('activity_completed', 'activity_failed', 'activity_cancelled', 'decision_evaluated',
                           'timer_fired', 'completed', 'failed')
    ORDER BY e.seq LIMIT 1
) AS ended ON true
WHERE h.event_type IN ('activity_started', 'activity_skipped');
