-- As in 022, and the labels of a process.
CREATE OR REPLACE VIEW processes AS
WITH versions AS (
    SELECT DISTINCT ON (d.id) d.id, d.version, d.name, d.definition ->> 'description' AS description,
           d.origin ->> 'template' AS template_id, d.definition -> 'labels' AS labels, a.off IS TRUE AS off, coalesce(a.active, d.version) AS active
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
       avg_execution_time, coalesce(labels, '{}') AS labels
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
