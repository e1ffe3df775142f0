-- For people who ask by SQL, beside the views of 013: activities, tasks, trends, and how long processes took.
-- `hour` is that of the start of an instance, or of the end of an activity; ask for some of them, and sum up.

-- Of each activity, over all hours. Percentiles are of completed ones, within 5 %: durations are rounded to two digits.
CREATE VIEW activity_statistics AS
WITH counts AS (
    SELECT definition_id, activity_id, sum(completed) AS completed, sum(failed) AS failed, sum(cancelled) AS cancelled,
           sum(skipped) AS skipped, sum(retries) AS retries, sum(duration_ms) AS duration_ms
    FROM activity_rollups GROUP BY 1, 2
), lasted AS (
    SELECT definition_id, activity_id, ms, sum(sum(count)) OVER (PARTITION BY definition_id, activity_id ORDER BY ms) AS up_to,
           sum(sum(count)) OVER (PARTITION BY definition_id, activity_id) AS count
    FROM activity_rollups, unnest(durations, duration_counts) AS each (ms, count)
    GROUP BY 1, 2, ms
), percentiles AS (
    SELECT definition_id, activity_id, sum(count) FILTER (WHERE up_to = count) AS known,
           min(ms) FILTER (WHERE up_to >= 0.50 * count) AS p50_ms, min(ms) FILTER (WHERE up_to >= 0.95 * count) AS p95_ms,
           min(ms) FILTER (WHERE up_to >= 0.99 * count) AS p99_ms
    FROM lasted GROUP BY 1, 2
)
SELECT definition_id, activity_id, completed::bigint, failed::bigint, cancelled::bigint, skipped::bigint, retries::bigint,
       failed::double precision / nullif(completed + failed, 0) AS failure_rate,
       duration_ms::double precision / known AS avg_ms, p50_ms, p95_ms, p99_ms
FROM counts LEFT JOIN percentiles USING (definition_id, activity_id);

-- Why activities fail, after all attempts, whether something caught the error or not.
CREATE VIEW activity_failures AS
SELECT definition_id, activity_id, hour, error_type, sum(count)::bigint AS count
FROM activity_rollups, unnest(error_types, error_counts) AS each (error_type, count)
GROUP BY 1, 2, 3, 4;

-- What started in an hour, and what has become of it; `avg_execution_time` in ms, of completed ones.
CREATE VIEW process_trends AS
SELECT definition_id, hour, sum(running + suspended + completed + failed + cancelled + timeout)::bigint AS started,
       sum(completed)::bigint AS completed, sum(failed + timeout)::bigint AS failed, sum(cancelled)::bigint AS cancelled,
       sum(duration_ms)::double precision / nullif(sum(completed), 0) AS avg_execution_time
FROM process_rollups GROUP BY 1, 2;

-- How many completed ones took so long, rounded to two digits: what share of them met a limit?
CREATE VIEW process_durations AS
SELECT definition_id, hour, ms, sum(count)::bigint AS count
FROM process_rollups, unnest(durations, duration_counts) AS each (ms, count)
GROUP BY 1, 2, 3;

-- One row a user task. `claim_ms`: until whoever has it took it, of one that nobody had at first; `work_ms`: from then
-- on until it was completed. `late`: completed behind its `due`; null where there is none, or it is not completed.
CREATE VIEW task_times AS
SELECT id, instance_id, definition_id, definition_version, activity_id, status, queue, priority, assignee, completed_by,
       created_at, claimed_at, completed_at, due,
       CASE WHEN claimed_at > created_at THEN round(extract(epoch FROM claimed_at - created_at) * 1000)::bigint END AS claim_ms,
       CASE WHEN status = 'completed' THEN round(extract(epoch FROM completed_at - claimed_at) * 1000)::bigint END AS work_ms,
       CASE WHEN status = 'completed' THEN round(extract(epoch FROM completed_at - created_at) * 1000)::bigint END AS total_ms,
       CASE WHEN status = 'completed' THEN completed_at > due END AS late
FROM tasks;

CREATE VIEW task_statistics AS
SELECT definition_id, activity_id, count(*) AS count, count(*) FILTER (WHERE status IN ('created', 'claimed')) AS open,
       count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE late) AS late,
       count(*) FILTER (WHERE NOT late)::double precision / nullif(count(late), 0) AS on_time_rate,   -- of completed ones
       percentile_disc(0.5) WITHIN GROUP (ORDER BY claim_ms) AS claim_p50_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY claim_ms) AS claim_p95_ms,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY work_ms) AS work_p50_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY work_ms) AS work_p95_ms
FROM task_times GROUP BY 1, 2;

CREATE INDEX tasks_definition ON tasks (definition_id, created_at DESC);
