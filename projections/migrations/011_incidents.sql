-- What went wrong and what became of it: one row each time an instance, or one line of its execution, stopped until
-- somebody looks.  Far fewer than instances, and asked for by whether they are open: no hypertable.
CREATE TABLE incidents (
    instance_id        uuid        NOT NULL,
    seq                integer     NOT NULL,             -- of the event that tells of it
    started_at         timestamptz NOT NULL,             -- of the instance: with instance_id its key
    definition_id      text        NOT NULL,
    definition_version integer     NOT NULL,
    type               text        NOT NULL CHECK (type IN ('activity', 'process', 'timeout', 'limit', 'poison')),
    stopped            text        NOT NULL CHECK (stopped IN ('instance', 'token')),   -- token: others of it go on
    activity_id        text,                             -- where; null where it was none
    token              text,
    error_type         text        NOT NULL,
    message            text        NOT NULL,
    created_at         timestamptz NOT NULL,
    resolved_at        timestamptz,                      -- null: open
    resolution         text CHECK (resolution IN ('retried', 'cancelled')),
    PRIMARY KEY (instance_id, seq)
);

CREATE INDEX incidents_open ON incidents (created_at DESC, instance_id DESC, seq DESC) WHERE resolved_at IS NULL;
CREATE INDEX incidents_created ON incidents (created_at DESC, instance_id DESC, seq DESC);
CREATE INDEX incidents_definition ON incidents (definition_id, created_at DESC, instance_id DESC, seq DESC);

-- Those of the histories that are there already.
INSERT INTO incidents (instance_id, seq, started_at, definition_id, definition_version, type, stopped, activity_id,
                       token, error_type, message, created_at, resolved_at, resolution)
SELECT it.instance_id, it.seq, instance.started_at, it.definition_id, it.definition_version,
       CASE WHEN it.event_type = 'timed_out' THEN 'timeout' WHEN it.activity_id IS NOT NULL THEN 'activity'
            WHEN it.data ->> 'error_type' = 'incident' THEN 'poison' WHEN it.data ->> 'error_type' = 'limit' THEN 'limit'
            ELSE 'process' END,
       CASE it.event_type WHEN 'incident_created' THEN 'token' ELSE 'instance' END,
       it.activity_id, it.token, coalesce(it.data ->> 'error_type', 'timeout'), it.data ->> 'error', it.timestamp,
       ending.timestamp, ending.resolution
FROM process_history AS it
JOIN process_instances AS instance ON instance.id = it.instance_id
LEFT JOIN LATERAL (
    SELECT later.timestamp,
           CASE WHEN later.event_type IN ('retried', 'incident_resolved') THEN 'retried' ELSE 'cancelled' END AS resolution
    FROM process_history AS later
    WHERE later.instance_id = it.instance_id AND later.seq > it.seq
      AND (later.event_type = 'cancelled'
           OR (it.event_type <> 'incident_created' AND later.event_type = 'retried')
           OR (it.event_type = 'incident_created' AND later.event_type IN ('incident_resolved', 'activity_cancelled')
               AND later.token IS NOT DISTINCT FROM it.token))
    ORDER BY later.seq LIMIT 1
) AS ending ON true
WHERE it.event_type IN ('failed', 'timed_out', 'incident_created');
