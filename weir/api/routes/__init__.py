"""The routes, one file a resource.  Each sends a command or asks the database; none decides anything."""

from fastapi import APIRouter

from weir.api.routes import definitions, process_lists, processes, signals, tasks

ROUTERS: tuple[APIRouter, ...] = (
    processes.router,
    process_lists.router,
    signals.router,
    tasks.router,
    definitions.router,
)
"""In the order in which a path is looked for: what is asked most comes first."""
