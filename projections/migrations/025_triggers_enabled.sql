-- As in 024, and whether a trigger is on.
CREATE OR REPLACE VIEW process_triggers AS
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
            THEN coalesce(one -> 'config', '{}') ELSE one - '{type,mode,condition,priority,enabled}'::text[] END AS trigger_config,
       one ->> 'condition' AS conditions, coalesce((one ->> 'priority')::integer, 0) AS priority,
       coalesce((one ->> 'enabled')::boolean, true) AS is_active,
       versions.created_at
FROM versions, jsonb_array_elements(definition -> 'triggers') WITH ORDINALITY AS each (one, at);
