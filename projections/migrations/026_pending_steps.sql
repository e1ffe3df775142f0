-- What is still to come: the activities that a version has at the top, but start and end, and that a running instance has
-- not entered yet. It may never enter some, which are on other ways.
CREATE VIEW process_pending_steps AS
SELECT i.id AS execution_id, one ->> 'id' AS action_id, one ->> 'type' AS action_type, at AS position, i.started_at AS began_at
FROM process_instances AS i
JOIN process_definitions AS d ON (d.id, d.version) = (i.definition_id, i.definition_version),
     jsonb_array_elements(d.definition -> 'activities') WITH ORDINALITY AS each (one, at)
WHERE i.status IN ('running', 'suspended') AND one ->> 'type' NOT IN ('start', 'end')
  AND NOT EXISTS (SELECT FROM process_history AS h
                  WHERE h.instance_id = i.id AND h.timestamp >= i.started_at AND h.activity_id = one ->> 'id'
                    AND h.event_type IN ('activity_started', 'activity_skipped'));

-- As in 013, and what is pending.
CREATE OR REPLACE VIEW process_execution_steps AS
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
WHERE h.event_type IN ('activity_started', 'activity_skipped')
UNION ALL
SELECT execution_id || ':' || action_id, execution_id, action_id, NULL, NULL, 'pending', NULL, NULL, NULL, 0, NULL, NULL,
       action_type
FROM process_pending_steps;
