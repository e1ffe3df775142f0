"""The routes, one file a resource.  Each sends a command or asks the database; none decides anything."""

from fastapi import APIRouter

from weir.api.routes import (
    alerts,
    api_keys,
    audit,
    bulk,
    commands,
    dead_letters,
    definition_changes,
    definitions,
    events,
    graphql,
    incidents,
    people,
    places,
    process_lists,
    processes,
    signals,
    station_analytics,
    station_executions,
    station_processes,
    station_templates,
    statistics,
    tasks,
)

ROUTERS: tuple[APIRouter, ...] = (
    processes.router,
    process_lists.router,
    commands.router,
    events.router,
    signals.router,
    tasks.router,
    definitions.router,
    definition_changes.router,
    incidents.router,
    dead_letters.router,
    station_analytics.router,
    station_executions.router,
    station_templates.router,
    station_processes.router,
    api_keys.router,
    audit.router,
    statistics.router,
    alerts.router,
    people.router,
    places.router,
    graphql.router,
    bulk.router,
)
"""In the order in which a path is looked for: what is asked most comes first."""
