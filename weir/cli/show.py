"""``weir show ID``: the state of one instance, now or as it was."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import orjson
import typer
from rich.table import Table

from projections.queries import Incident, InstanceNow, incidents, upcoming
from projections.queries import instance as query
from streams.core.apply import FoldError
from streams.core.durations import instant_ms, instant_text
from streams.settings import Settings
from weir.cli import options
from weir.cli.errors import CliError
from weir.cli.options import check_instance
from weir.cli.output import cell, moment, out, print_json
from weir.cli.session import session_of
from weir.database import connected
from weir.replay.instance import InstanceThen, events_until, instance_then

InstanceId = Annotated[str, typer.Argument(metavar="ID", help="The instance.", show_default=False)]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="SEQ|TIME",
        help="As it was after that event, or at that plant time (RFC 3339, or as `weir history` shows it, in UTC).",
        show_default=False,
    ),
]


def show(ctx: typer.Context, instance: InstanceId, *, at: At = None, json: options.Json = False) -> None:
    """Show the state of an instance: where it stands, and its variables. With --at: as it was."""
    settings, known = session_of(ctx).settings, check_instance(instance, "ID")
    found: InstanceNow | InstanceThen
    standing: list[Incident] = []
    if at is None:
        found, standing = asyncio.run(_now(settings, known))
    else:
        found = asyncio.run(_then(settings, known, *parse_at(at)))
    if json:
        print_json(msgspec.to_builtins(found))
        return
    table = Table.grid(padding=(0, 2))
    lines = {
        "id": found.id,
        "definition": f"{found.definition_id} v{found.definition_version}",
        "key": found.business_key,
        "reference": found.reference,
        "status": found.status,
        "at": found.current_activity,
        "error": found.error,
        **{f"incident at {one.activity_id}": f"{one.error_type}: {one.message}" for one in standing},
        "started": found.started_at,
        "updated": found.updated_at,
        "ended": found.completed_at,
        "steps": found.steps,
        **(_waits(found) if isinstance(found, InstanceThen) else {"next": found.next_execution}),
        **{f"  {name}": orjson.dumps(value).decode() for name, value in found.variables.items()},
    }
    for name, value in lines.items():
        if value is not None:
            text = cell(value)
            text.justify = "left"
            table.add_row(name, text)
    out().print(table)


async def _now(settings: Settings, instance: str) -> tuple[InstanceNow, list[Incident]]:
    """With the incidents by which it stands somewhere while it runs; the error of a failed one is its own."""
    async with connected(settings) as connection:
        found = await query(connection, instance)
        if found is None:
            raise unknown(instance)
        unresolved = await incidents(connection, open_only=True, instance_id=instance)
        return await upcoming(connection, found), [one for one in unresolved if one.stopped == "token"]


async def _then(settings: Settings, instance: str, seq: int | None, time: datetime | None) -> InstanceThen:
    async with connected(settings) as connection:
        events, following = await events_until(connection, instance, seq=seq, moment=time)
    first = events[0] if events else following
    if first is None:
        raise unknown(instance)
    if not events and first.seq == 1:
        raise CliError(
            f"Instance {instance} was not there yet: it started at {instant_text(instant_ms(first.timestamp))}.",
            "Times are plant time, which `weir history` shows.",
            reason="not_started",
        )
    if events and seq is not None and events[-1].seq < seq:
        raise CliError(
            f"Instance {instance} has no event {seq}: its last is {events[-1].seq}, {events[-1].event_type}.",
            "`weir history` shows all that the projector has brought so far.",
            reason="unknown_seq",
        )
    try:
        return instance_then(instance, events or [first])
    except FoldError as error:
        raise CliError(
            f"The history of {instance} in the database does not go on: {error}.",
            "`weir verify` tells what differs from the log, `weir replay --projections` makes it anew.",
            reason="damaged_history",
        ) from error


def parse_at(text: str) -> tuple[int | None, datetime | None]:
    """(seq, None) or (None, plant time).  A time without a zone is UTC.  Raises ``typer.BadParameter``."""
    if text.isdecimal() and text.isascii() and int(text) > 0:
        return int(text), None
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        time = None
    if time is None or text.isdecimal():
        raise typer.BadParameter(
            f"Expected the seq of an event, from 1, or a time such as 2026-11-21T02:00:00.250Z, but got {text[:80]!r}",
            param_hint="--at",
        )
    return None, time if time.tzinfo else time.replace(tzinfo=UTC)


def _waits(found: InstanceThen) -> dict[str, str]:
    """A line for each activity that waited, and one for the signals that were held."""
    lines = {}
    for activity, wait in found.waiting.items():
        until = "" if wait.due is None else f", until {moment(wait.due)}"
        lines[f"waits at {activity}"] = f"{wait.kind} {wait.name or ''}".rstrip() + until
    if found.signals:
        lines["signals held"] = ", ".join(found.signals)
    return lines


def unknown(instance: str) -> CliError:
    """There is no such instance in the database."""
    return CliError(
        f"There is no instance {instance} in the database.",
        "`weir instances` lists what there is. A new one appears when the projector has caught up: `weir status`.",
        reason="unknown_instance",
    )
