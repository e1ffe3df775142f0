"""``weir analytics``: what did the processes do, how long did it take, and why did it fail?"""

import asyncio
import time
from datetime import datetime
from typing import Annotated

import msgspec
import typer

from projections import queries
from projections.queries import ActivityStatistics, Overview, ProcessAnalytics, Statistics, TaskTimes
from projections.queries.trends import Interval, Trend
from streams.core.durations import instant, parse_duration_ms, parse_instant_ms
from streams.core.scalars import duration_text
from streams.settings import Settings
from weir.cli import options
from weir.cli.output import out, print_json, print_table
from weir.cli.session import session_of
from weir.database import connected

TOOK = ("p50", "p95", "p99")
OF_PROCESSES = ("process", "started", "running", "completed", "failed", "success", *TOOK, "within SLA")
OF_ACTIVITIES = ("activity", "completed", "failed", "cancelled", "skipped", "retries", *TOOK, "errors")
OF_TASKS = ("task", "count", "open", "overdue", "late", "on time", "claimed p50", "p95", "worked on p50", "p95")
OF_FAILURES = ("failed with", "at", "count", "last", "such as")
OF_TRENDS = ("from", "started", "completed", "failed", "p50", "p95")


def analytics(
    ctx: typer.Context,
    definition: Annotated[
        str | None, typer.Argument(metavar="DEFINITION", help="Only this one, with activities, tasks and failures.")
    ] = None,
    *,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From then on: RFC 3339, or an age: 2h.")
    ] = "7d",
    by: Annotated[Interval, typer.Option("--by", help="Trends by hour or by day.")] = "day",
    sla: Annotated[
        str | None, typer.Option("--sla", metavar="DURATION", help="What share completed in it? Such as 5m.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show what processes did, how long it took, and why it failed. Times are plant time, UTC."""
    session = session_of(ctx)
    within_ms = None if sla is None else _duration_ms(sla, "--sla")
    begin, end = _span(session.settings, since)

    async def ask() -> Overview | ProcessAnalytics:
        async with connected(session.settings) as connection:
            if definition is None:
                return await queries.overview(connection, begin, end, interval=by, within_ms=within_ms)
            return await queries.process_analytics(connection, definition, begin, end, interval=by, within_ms=within_ms)

    found = asyncio.run(ask())
    if json:
        print_json(msgspec.to_builtins(found))
        return
    each = found.processes if isinstance(found, Overview) else [found] if found.execution_count else []
    rows = [(one.process_id, *_of_process(one)) for one in each]
    print_table(OF_PROCESSES, rows, f"nothing has started since {begin:%Y-%m-%d %H:%M}")
    if isinstance(found, ProcessAnalytics):
        _print_details(found)
    if found.trends:
        print_table(OF_TRENDS, map(_of_trend, found.trends), "")


def _print_details(found: ProcessAnalytics) -> None:
    print_table(OF_ACTIVITIES, map(_of_activity, found.activities), "no activity has ended")
    if found.tasks:
        rows = map(_of_task, found.tasks)
        print_table(OF_TASKS, rows, "")
    if found.failure_reasons:
        reasons = [
            (one.error_type, one.activity_id, one.count, one.last_at, one.last_error) for one in found.failure_reasons
        ]
        print_table(OF_FAILURES, reasons, "")
    out().print("Percentiles are of what has completed, within 5 %.")


def _of_process(one: Statistics) -> tuple[object, ...]:
    running, failed = one.running + one.suspended, one.failed + one.timeout
    took = map(_took, (one.p50_ms, one.p95_ms, one.p99_ms))
    shares = _share(one.success_rate), _share(one.within_sla)
    return one.execution_count, running, one.completed, failed, shares[0], *took, shares[1]


def _of_activity(one: ActivityStatistics) -> tuple[object, ...]:
    counts = one.completed, one.failed, one.cancelled, one.skipped, one.retries
    errors = ", ".join(f"{error.error_type} {error.count}" for error in one.errors)
    return one.activity_id, *counts, *map(_took, (one.p50_ms, one.p95_ms, one.p99_ms)), errors


def _of_task(one: TaskTimes) -> tuple[object, ...]:
    counts = one.count, one.open, one.overdue, one.late, _share(one.on_time_rate)
    times = one.claim_p50_ms, one.claim_p95_ms, one.work_p50_ms, one.work_p95_ms
    return one.activity_id, *counts, *map(_took, times)


def _of_trend(one: Trend) -> tuple[object, ...]:
    return one.time, one.started, one.completed, one.failed, _took(one.p50_ms), _took(one.p95_ms)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


def _took(ms: int | None) -> str | None:
    return None if ms is None else duration_text(ms) or "0ms"


def _span(settings: Settings, since: str) -> tuple[datetime, datetime]:
    """From when to now, in plant time.  Raises ``typer.BadParameter``."""
    now_ms = settings.plant_clock.plant_ms(time.time() * 1000)
    try:
        begin_ms = parse_instant_ms(since) if "T" in since else now_ms - _duration_ms(since, "--since")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
    return instant(max(0, begin_ms)), instant(now_ms + 1000)


def _duration_ms(text: str, option: str) -> int:
    try:
        return parse_duration_ms(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
