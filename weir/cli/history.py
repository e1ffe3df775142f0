"""``weir history ID``: everything that happened in an instance, and what happens next."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import msgspec
import orjson
import typer

from projections.queries import HistoryEvent
from projections.queries import history as query
from streams.settings import Settings
from weir.cli import options
from weir.cli.options import check_instance
from weir.cli.output import out, print_json, print_table
from weir.cli.session import session_of
from weir.cli.show import InstanceId, unknown
from weir.database import connected
from weir.watch import ENDED

COLUMNS = ("seq", "time", "event", "activity", "")
POLL_S = 0.25
APPEARS_WITHIN_S = 10.0
"""How long ``--follow`` waits for the first event of an instance that has only just been started."""
PAGE = 1_000


def history(
    ctx: typer.Context,
    instance: InstanceId,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the instance has ended. With --json: one event a line.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show every event of an instance. Times are plant time, UTC."""
    settings, known = session_of(ctx).settings, check_instance(instance, "ID")
    if follow:
        asyncio.run(_follow(settings, known, as_json=json))
        return
    events = asyncio.run(_read(settings, known))
    if not events:
        raise unknown(known)
    if json:
        print_json([msgspec.to_builtins(event) for event in events])
    else:
        print_table(COLUMNS, map(row, events), "")


def row(event: HistoryEvent) -> tuple[Any, ...]:
    """An event as people read it."""
    describe = DETAILS.get(event.event_type)
    detail = event.message or (describe(event.data) if describe else "")
    when = f"{event.timestamp:%Y-%m-%d %H:%M:%S}.{event.timestamp.microsecond // 1000:03}"
    return event.seq, when, event.event_type, event.activity_id, detail


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _changed(data: dict[str, Any]) -> str:
    previous = f" (was {_json(data['previous'])})" if "previous" in data else ""
    return f"{data['name']} = {_json(data['value'])}{previous}"


def _by(data: dict[str, Any]) -> str:
    """What somebody did with a task, or what came by itself."""
    hidden = {"execution", "user", "approvers", "owner"}
    said = [
        f"{name} {value if isinstance(value, str) else _json(value)}"
        for name, value in data.items()
        if name not in hidden and value is not None
    ]
    return ", ".join([f"by {data['user']}", *said] if "user" in data else said)


TASK_EVENTS = (
    "assigned", "claimed", "unclaimed", "delegated", "returned", "updated", "reminded", "escalated", "approved",
    "rejected", "completed", "cancelled",
)  # fmt: skip
DETAILS: dict[str, Callable[[dict[str, Any]], str]] = {
    "started": lambda data: f"key {data.get('key')}, variables {_json(data['variables'])}",
    "completed": lambda data: f"after {data['duration_ms'] / 1000:g} s and {data['steps']} steps",
    "cancelled": lambda data: data.get("reason") or "",
    "variable_changed": _changed,
    "decision_evaluated": lambda data: f"{data['condition']} is {_json(data['result'])}: {data['path']}",
    "rules_evaluated": lambda data: f"hits {_json(data['hits'])}: {_json(data.get('result'))}",
    "action_requested": lambda data: f"{data['action']} {_json(data['config'])}",
    "activity_completed": lambda data: _json(data["output"]) if data.get("output") else "",
    "timer_started": lambda data: f"until {data['due']}",
    "message_awaited": lambda data: data["name"],
    "signal_received": lambda data: f"{data['name']} {_json(data['payload'])}",
    "task_created": lambda data: data["title"],
    "notice_requested": lambda data: f"{data['action']} {_json(data['config'])}",
    "notice_failed": lambda data: f"{data['error_type']}: {data['error']}",
    **{f"task_{name}": _by for name in TASK_EVENTS},
}


async def _read(settings: Settings, instance: str) -> list[HistoryEvent]:
    events: list[HistoryEvent] = []
    async with connected(settings) as connection:
        while True:
            page = await query(connection, instance, after_seq=events[-1].seq if events else 0, limit=PAGE)
            events.extend(page)
            if len(page) < PAGE:
                return events


async def _follow(settings: Settings, instance: str, *, as_json: bool) -> None:
    async for event in _events(settings, instance):
        if as_json:
            print_json(msgspec.to_builtins(event))
        else:
            seq, when, kind, activity, detail = row(event)
            out().print(f"{seq:>4}  {when}  {kind:20} {activity or '':20} {detail}", markup=False, soft_wrap=True)


async def _events(settings: Settings, instance: str) -> AsyncIterator[HistoryEvent]:
    """Events as the projector brings them, until one ends the instance."""
    deadline = time.monotonic() + APPEARS_WITHIN_S
    last = 0
    async with connected(settings) as connection:
        while True:
            page = await query(connection, instance, after_seq=last, limit=PAGE)
            for event in page:
                yield event
                last = event.seq
            if page and page[-1].event_type in ENDED:
                return
            if not last and time.monotonic() > deadline:
                raise unknown(instance)
            if len(page) < PAGE:
                await asyncio.sleep(POLL_S)
