"""``weir status``: what runs, whether it answers, how far each stage is behind."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from streams.topics import TopicsError
from weir.cli import options
from weir.cli.errors import ExitCode
from weir.cli.output import err, out, print_json, print_table
from weir.cli.session import Session, session_of
from weir.lag import Behind, StageLag, WorkerLag, ask_lags
from weir.stack.process import ServiceStatus

BAD = frozenset({"dead", "unhealthy"})
UP = frozenset({"running", "external"})
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def status(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Show services and roles: state, process, port, memory; and how far each stage and each of its workers is behind.

    A stage's lag is the records that it has not processed yet, and the age of the oldest. Exit code 1 when something
    that was started is dead or does not answer, or when the broker is about to delete what nobody has read; 3 when
    nothing was started at all.
    """
    session = session_of(ctx)
    services = session.stack.status()
    behind = _behind(session) if any(service.state in UP for service in services) else Behind([])
    names = {spec.env["WEIR_MEMBER_ID"]: spec.name for spec in session.stack.workers()}
    if json:
        print_json(
            {
                "services": [_document(service) for service in services],
                "stages": [asdict(stage) for stage in behind.stages],
                "workers": [_worker(worker, names) for worker in behind.workers],
                "warnings": behind.warnings,
            }
        )
    else:
        _print_services(services)
        if behind.stages:
            _print_stages(behind.stages)
        if behind.workers:
            _print_workers([_worker(worker, names) for worker in behind.workers])
    for text in (*behind.warnings, *(f"cannot tell {text}" for text in behind.unknown)):
        err().print(f"Warning: {text}", style="bold yellow", markup=False)
    if any(service.state in BAD for service in services):
        _explain("`weir logs NAME` shows why; `weir up` starts what is dead", json=json)
        raise typer.Exit(ExitCode.FAILED)
    if all(service.state == "stopped" for service in services):
        _explain(f"nothing runs under {session.home}: `weir up` starts it", json=json)
        raise typer.Exit(ExitCode.UNREACHABLE)
    if behind.warnings:
        raise typer.Exit(ExitCode.FAILED)


def duration(seconds: float) -> str:
    """Rounded as people say it: ``40 s``, ``12 min``, ``3 h``, ``5 d``."""
    for unit, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _behind(session: Session) -> Behind:
    try:
        return asyncio.run(ask_lags(session.settings, session.topics))
    except TopicsError as error:
        return Behind([], [], [f"how far the stages are behind: {error}"])


def _words(service: ServiceStatus) -> str:
    if service.last_end is None or service.last_end_at is None:
        return service.detail
    ended = f"ended {duration(max(0.0, time.time() - service.last_end_at))} ago: {service.last_end}"
    return f"{ended}. {service.detail}" if service.detail else ended


def _print_services(services: Sequence[ServiceStatus]) -> None:
    rows = [
        (
            service.name,
            service.state,
            service.pid,
            service.port,
            None if service.memory_mb is None else f"{service.memory_mb:.0f} MB",
            None if service.uptime_s is None else duration(service.uptime_s),
            service.restarts or None,
            _words(service),
        )
        for service in services
    ]
    print_table(("name", "state", "pid", "port", "memory", "up for", "restarts", ""), rows, "")


def _print_stages(stages: Sequence[StageLag]) -> None:
    rows = [
        (
            stage.stage,
            stage.topic,
            "?" if stage.records is None else stage.records,
            "?" if stage.seconds is None else duration(stage.seconds),
            None if stage.margin_s is None else duration(max(0.0, stage.margin_s)),
        )
        for stage in stages
    ]
    print_table(("stage", "reads", "records behind", "oldest", "deleted in"), rows, "")


def _print_workers(workers: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            worker["stage"],
            worker["worker"] or f"elsewhere: {worker['member_id']}",
            worker["host"],
            worker["partitions"],
            worker["records"],
            "?" if worker["seconds"] is None else duration(worker["seconds"]),
        )
        for worker in workers
    ]
    print_table(("stage", "worker", "host", "partitions", "records behind", "oldest"), rows, "")


def _worker(worker: WorkerLag, names: Mapping[str, str]) -> dict[str, Any]:
    """``worker`` is its name under this home; ``None`` for one that was started elsewhere, or by hand."""
    return {
        "stage": worker.stage,
        "worker": names.get(worker.member.static_id),
        "member_id": worker.member.member_id,
        "host": worker.member.host,
        "partitions": worker.partitions,
        "records": worker.records,
        "seconds": worker.seconds,
    }


def _document(service: ServiceStatus) -> dict[str, Any]:
    return {
        "name": service.name,
        "state": service.state,
        "pid": service.pid,
        "port": service.port,
        "memory_mb": service.memory_mb,
        "uptime_s": service.uptime_s,
        "role": service.role,
        "restarts": service.restarts,
        "last_end": service.last_end,
        "last_end_at": service.last_end_at,
        "detail": service.detail,
    }


def _explain(text: str, *, json: bool) -> None:
    (err() if json else out()).print(text, markup=False)
