-- The sums of process_rollups over all hours: what is asked for all of time costs the same after ten years.
CREATE TABLE process_totals (
    partition          integer     NOT NULL,
    definition_id      text        NOT NULL,
    definition_version integer     NOT NULL,
    running            integer     NOT NULL,
    suspended          integer     NOT NULL,
    completed          integer     NOT NULL,
    failed             integer     NOT NULL,
    cancelled          integer     NOT NULL,
    timeout            integer     NOT NULL,
    duration_ms        bigint      NOT NULL,
    durations          bigint[]    NOT NULL,
    duration_counts    integer[]   NOT NULL,
    PRIMARY KEY (partition, definition_id, definition_version)
) WITH (fillfactor = 50);

INSERT INTO process_totals
WITH durations AS (
    SELECT partition, definition_id, definition_version, array_agg(ms ORDER BY ms) AS durations,
           array_agg(count ORDER BY ms) AS duration_counts
    FROM (
        SELECT partition, definition_id, definition_version, ms, sum(count)::int AS count
        FROM process_rollups, unnest(durations, duration_counts) AS each (ms, count) GROUP BY 1, 2, 3, 4
    ) AS each
    GROUP BY 1, 2, 3
), counts AS (
    SELECT partition, definition_id, definition_version, sum(running) AS running, sum(suspended) AS suspended,
           sum(completed) AS completed, sum(failed) AS failed, sum(cancelled) AS cancelled, sum(timeout) AS timeout,
           sum(duration_ms) AS duration_ms
    FROM process_rollups GROUP BY 1, 2, 3
)
SELECT counts.*, coalesce(durations, '{}'), coalesce(duration_counts, '{}')
FROM counts LEFT JOIN durations USING (partition, definition_id, definition_version);

-- As in 013, of the totals.
CREATE OR REPLACE VIEW process_statistics AS
WITH counts AS (
    SELECT definition_id, sum(running + suspended + completed + failed + cancelled + timeout) AS execution_count,
           sum(running) AS running, sum(suspended) AS suspended, sum(completed) AS completed, sum(failed) AS failed,
           sum(cancelled) AS cancelled, sum(timeout) AS timeout, sum(duration_ms) AS duration_ms
    FROM process_totals GROUP BY definition_id
), lasted AS (
    SELECT definition_id, ms, sum(sum(count)) OVER (PARTITION BY definition_id ORDER BY ms) AS up_to,
           sum(sum(count)) OVER (PARTITION BY definition_id) AS count
    FROM process_totals, unnest(durations, duration_counts) AS each (ms, count)
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

-- As in 013, but for `last_executed`: it is looked for in the last hour in which something started, not in all chunks.
CREATE OR REPLACE VIEW processes AS
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
LEFT JOIN LATERAL (SELECT max(hour) AS hour FROM process_rollups WHERE process_rollups.definition_id = versions.id) AS busy ON true
LEFT JOIN LATERAL (
    SELECT started_at FROM process_instances
    WHERE process_instances.definition_id = versions.id
      AND started_at >= busy.hour AND started_at < busy.hour + interval '1 hour'
    ORDER BY started_at DESC, process_instances.id DESC LIMIT 1
) AS last ON true;
