-- More of what a station's people know, for those who ask by SQL: the triggers and the actions of each process, of the
-- version that `processes` tells; what sets processes off; how many were made of each template that somebody has saved.

-- As GET /api/processes/{id} has them.
CREATE VIEW process_triggers AS
WITH versions AS (
    SELECT DISTINCT ON (d.id) d.id, d.definition, d.created_at
    FROM process_definitions AS d LEFT JOIN definition_activations AS a USING (id)
    ORDER BY d.id, d.version IS NOT DISTINCT FROM a.active DESC, d.version DESC
)
SELECT versions.id || '/trigger/' || at AS id, versions.id AS process_id,
       CASE one ->> 'type' WHEN 'api' THEN 'manual' WHEN 'timer' THEN 'time_schedule' ELSE one ->> 'type' END AS trigger_type,
       CASE WHEN one ->> 'type' IN ('zone_entry', 'zone_exit', 'alert_created', 'alert_acknowledged', 'alert_resolved',
                                    'message_received', 'bot_trigger_fired', 'user_online', 'user_offline',
                                    'user_registered', 'user_group_changed')
            THEN coalesce(one -> 'config', '{}') ELSE one - '{type,mode,condition,priority}'::text[] END AS trigger_config,
       one ->> 'condition' AS conditions, coalesce((one ->> 'priority')::integer, 0) AS priority, true AS is_active,
       versions.created_at
FROM versions, jsonb_array_elements(definition -> 'triggers') WITH ORDINALITY AS each (one, at);

-- Services in the order in which they are written, within other activities too; `id` is `action_id` of their steps.
CREATE VIEW process_actions AS
WITH RECURSIVE versions AS (
    SELECT DISTINCT ON (d.id) d.id, d.definition, d.created_at
    FROM process_definitions AS d LEFT JOIN definition_activations AS a USING (id)
    ORDER BY d.id, d.version IS NOT DISTINCT FROM a.active DESC, d.version DESC
), activities AS (
    SELECT versions.id AS process_id, versions.created_at, one, ARRAY[at] AS place
    FROM versions, jsonb_array_elements(definition -> 'activities') WITH ORDINALITY AS each (one, at)
    UNION ALL
    SELECT process_id, created_at, inside.one, activities.place || inside.place
    FROM activities, LATERAL (
        SELECT each.one, ARRAY[1, branch.at, each.at]
        FROM jsonb_each(activities.one -> 'branches') WITH ORDINALITY AS branch (name, body, at),
             jsonb_array_elements(branch.body) WITH ORDINALITY AS each (one, at)
        UNION ALL
        SELECT each.one, ARRAY[2, each.at]
        FROM jsonb_array_elements(activities.one -> 'activities') WITH ORDINALITY AS each (one, at)
        UNION ALL
        SELECT each.one, ARRAY[3, each.at]
        FROM jsonb_array_elements(activities.one -> 'compensation') WITH ORDINALITY AS each (one, at)
    ) AS inside (one, place)
)
SELECT one ->> 'id' AS id, process_id, one ->> 'action' AS action_type, coalesce(one -> 'config', '{}') AS action_config,
       one ->> 'condition' AS conditions,
       (row_number() OVER (PARTITION BY process_id ORDER BY place) - 1)::integer AS action_order,
       coalesce(ceil(extract(epoch FROM (one ->> 'timeout')::interval)), 30)::integer AS timeout_seconds,
       coalesce((one -> 'retry' ->> 'max_attempts')::integer, 3) - 1 AS retry_count, created_at
FROM activities WHERE one ->> 'type' = 'service';

-- What has set processes off, by the hour of the start; ask for some of them, and sum up.
CREATE VIEW trigger_frequencies AS
SELECT definition_id AS process_id, date_trunc('hour', started_at, 'UTC') AS hour,
       CASE trigger ->> 'type' WHEN 'api' THEN 'manual' WHEN 'timer' THEN 'time_schedule'
            ELSE coalesce(trigger ->> 'type', 'manual') END AS trigger_type,
       count(*) AS count
FROM process_instances GROUP BY 1, 2, 3;

-- `usage_count` follows from the definitions; what is kept has another name.
ALTER TABLE process_templates RENAME TO saved_templates;
CREATE VIEW process_templates AS
SELECT id, name, description, category, template_data,
       (SELECT count(DISTINCT d.id) FROM process_definitions AS d
        WHERE d.origin ->> 'template' = saved_templates.id) AS usage_count,
       created_by, created_at, updated_at, is_public
FROM saved_templates;
