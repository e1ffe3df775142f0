"""``weir status``: what runs, whether it answers, how far it is behind."""

import asyncio
from typing import Any

import typer
from aiokafka.errors import KafkaError

from streams.topics import TopicsError
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import err, out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.database import NoSchemaError, UnreachableError
from weir.lag import lags
from weir.stack.process import ServiceStatus

BAD = frozenset({"dead", "unhealthy"})
UP = frozenset({"running", "external"})
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def status(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Show services and roles: state, process, port, memory, and how many offsets each role is behind.

    Exit code 1 when something that was started is dead or does not answer, 3 when nothing was started at all.
    """
    session = session_of(ctx)
    services = session.stack.status()
    behind = _lags(session) if any(service.state in UP for service in services) else {}
    if json:
        print_json([_document(service, behind.get(service.name)) for service in services])
    else:
        rows = [
            (
                service.name,
                service.state,
                service.pid,
                service.port,
                None if service.memory_mb is None else f"{service.memory_mb:.0f} MB",
                None if service.uptime_s is None else duration(service.uptime_s),
                behind.get(service.name),
                service.detail,
            )
            for service in services
        ]
        print_table(("name", "state", "pid", "port", "memory", "up for", "lag", ""), rows, "")
    if any(service.state in BAD for service in services):
        _explain("`weir logs NAME` shows why; `weir up` starts what is dead", json=json)
        raise typer.Exit(ExitCode.FAILED)
    if all(service.state == "stopped" for service in services):
        _explain(f"nothing runs under {session.home}: `weir up` starts it", json=json)
        raise typer.Exit(ExitCode.UNREACHABLE)


def duration(seconds: float) -> str:
    """Rounded as people say it: ``40 s``, ``12 min``, ``3 h``, ``5 d``."""
    for unit, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _lags(session: Session) -> dict[str, int]:
    try:
        return asyncio.run(lags(session.settings, session.topics))
    except (KafkaError, UnreachableError, NoSchemaError, TopicsError) as error:
        err().print(f"Warning: cannot tell how far the roles are behind: {error}", markup=False)
        return {}


def _document(service: ServiceStatus, lag: int | None) -> dict[str, Any]:
    return {
        "name": service.name,
        "state": service.state,
        "pid": service.pid,
        "port": service.port,
        "memory_mb": service.memory_mb,
        "uptime_s": service.uptime_s,
        "lag": lag,
        "detail": service.detail,
    }


def _explain(text: str, *, json: bool) -> None:
    (err() if json else out()).print(text, markup=False)
