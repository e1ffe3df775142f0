"""The registry of tables: one file each, one line here.

A table is *projected* (a replay of the topics builds it anew) or *owned* (it holds what exists nowhere else, and a
replay leaves it alone).  A projected table belongs to one feed and says how records become rows and how rows are
written.
"""

from projections.feeds.base import FeedName
from projections.tables import (
    activity_rollups,
    audit_log,
    definition_activations,
    incidents,
    process_definitions,
    process_history,
    process_instances,
    process_rollups,
    tasks,
    telemetry,
)
from projections.tables.base import Projection, Table

STATION = (
    "alerts", "bots", "group_members", "groups", "messages", "positions", "station_outbox", "station_positions",
    "users", "weir_done_actions", "zone_members", "zones",
)  # fmt: skip
"""What ``streams.station`` writes, and people."""

TABLES: dict[str, Table] = {
    "audit_log": audit_log.TABLE,
    "definition_activations": definition_activations.TABLE,
    "incidents": incidents.TABLE,
    "process_definitions": process_definitions.TABLE,
    "process_history": process_history.TABLE,
    "activity_rollups": activity_rollups.TABLE,  # looks into the history
    "process_instances": process_instances.TABLE,
    "process_rollups": process_rollups.TABLE,
    "process_totals": Table("process_totals", "projected"),  # written together with process_rollups
    "tasks": tasks.TABLE,
    "telemetry": telemetry.TABLE,
    # A replay builds them anew together with the rows, so they are projected too; the projector itself moves them.
    "projection_positions": Table("projection_positions", "projected"),
    "api_keys": Table("api_keys", "owned"),
    "bulk_operations": Table("bulk_operations", "owned"),
    "idempotency_keys": Table("idempotency_keys", "owned"),
    "retention": Table("retention", "owned"),
    "saved_templates": Table("saved_templates", "owned"),
    "schema_migrations": Table("schema_migrations", "owned"),
    **{name: Table(name, "owned") for name in STATION},
}


def projections_of(feed: FeedName) -> tuple[Projection, ...]:
    """What records of ``feed`` are written to, in the order in which it is written."""
    projections = (table.projection for table in TABLES.values())
    return tuple(projection for projection in projections if projection is not None and projection.feed == feed)
