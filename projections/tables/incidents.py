"""``incidents``: one row each time that an instance, or one token of it, stopped until somebody looks.

| an event of type | does |
|---|---|
| ``failed``, ``timed_out`` | open one: the instance stands still |
| ``incident_created`` | open one: a token of it stands still, others go on |
| ``retried`` | resolve that of the instance |
| ``incident_resolved`` | resolve that of the token: retried |
| ``activity_cancelled`` | resolve that of the token: cancelled, since a sibling ended what it was part of |
| ``cancelled`` | resolve all of the instance |

A token stands at one place until its incident is over, so token and instance tell which one is meant, whatever the
activity is called in the version that the instance has migrated to meanwhile.

What a batch opens and resolves is one row when it is written; what it resolves of earlier batches comes first, so that
it never meets what the batch opens later.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from projections.feeds.events import InstanceEvent
from projections.tables.base import Projection, Table
from streams.core.durations import instant
from streams.core.events import EventHead

Stopped = Literal["instance", "token"]

_INSERT = """
    INSERT INTO incidents (instance_id, seq, started_at, definition_id, definition_version, type, stopped, activity_id,
                           token, error_type, message, created_at, resolved_at, resolution)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::int[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[],
                         $14::text[])
"""
_RESOLVE = """
    UPDATE incidents AS old SET resolved_at = first.at, resolution = first.how
    FROM (SELECT DISTINCT ON (open.instance_id, open.seq) open.instance_id, open.seq, new.at, new.how
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) WITH ORDINALITY
              AS new (instance_id, stopped, token, at, how, n)
          JOIN incidents AS open ON open.instance_id = new.instance_id AND open.resolved_at IS NULL
              AND (new.stopped IS NULL OR open.stopped = new.stopped)
              AND (new.stopped IS DISTINCT FROM 'token' OR open.token IS NOT DISTINCT FROM new.token)
          ORDER BY open.instance_id, open.seq, new.n) AS first
    WHERE old.instance_id = first.instance_id AND old.seq = first.seq
"""


class Resolution(NamedTuple):
    """The end of those incidents of an instance that are open; ``stopped`` is ``None`` for whatever they stopped."""

    instance_id: UUID
    stopped: Stopped | None
    token: str | None
    at: datetime
    how: str

    def ends(self, row: "Row") -> bool:
        """Whether it is about ``row``."""
        if row.resolved_at is not None or row.instance_id != self.instance_id:
            return False
        return self.stopped is None or (
            row.stopped == self.stopped and (self.stopped == "instance" or row.token == self.token)
        )


class Row(msgspec.Struct):
    """A row; the fields are the columns, in the order in which they are written."""

    instance_id: UUID
    seq: int
    started_at: datetime
    definition_id: str
    definition_version: int
    type: str
    stopped: Stopped
    activity_id: str | None
    token: str | None
    error_type: str
    message: str
    created_at: datetime
    resolved_at: datetime | None = None
    resolution: str | None = None


class Changes(NamedTuple):
    """What a batch says: what it resolves of earlier ones, and what it opens."""

    resolved: list[Resolution]
    opened: list[Row]


class _Failed(msgspec.Struct):
    error: str
    error_type: str = "timeout"


_decode = msgspec.json.Decoder(_Failed).decode
_CONDEMNED = {"incident": "poison", "limit": "limit"}
"""What the processor fails an instance with: a command that it cannot process, or a state that is too large."""


def _row(instance: bytes, event: EventHead, stopped: Stopped) -> Row:
    data = _decode(event.data)
    type_ = "activity" if event.activity_id is not None else _CONDEMNED.get(data.error_type, "process")
    return Row(
        UUID(bytes=instance),
        event.seq,
        instant(int.from_bytes(instance[:6], "big")),
        event.definition_id,
        event.definition_version,
        "timeout" if event.type == "timed_out" else type_,
        stopped,
        event.activity_id,
        event.token,
        data.error_type,
        data.error,
        event.time,
    )


OPENS: dict[str, Stopped] = {"failed": "instance", "timed_out": "instance", "incident_created": "token"}
RESOLVES: dict[str, Callable[[UUID, EventHead], Resolution]] = {
    "retried": lambda id_, event: Resolution(id_, "instance", None, event.time, "retried"),
    "incident_resolved": lambda id_, event: Resolution(id_, "token", event.token, event.time, "retried"),
    "activity_cancelled": lambda id_, event: Resolution(id_, "token", event.token, event.time, "cancelled"),
    "cancelled": lambda id_, event: Resolution(id_, None, None, event.time, "cancelled"),
}


def build(items: Sequence[InstanceEvent]) -> Changes:
    """What opens and ends.  Raises ``msgspec.ValidationError`` for data that is not its event type's."""
    changes = Changes([], [])
    for instance, event in items:
        if (stopped := OPENS.get(event.type)) is not None:
            changes.opened.append(_row(instance, event, stopped))
        elif (resolves := RESOLVES.get(event.type)) is not None:
            resolution = resolves(UUID(bytes=instance), event)
            changes.resolved.append(resolution)
            for row in filter(resolution.ends, changes.opened):
                row.resolved_at, row.resolution = resolution.at, resolution.how
    return changes


async def write(connection: asyncpg.Connection, rows: Changes) -> None:
    """Resolve what earlier batches opened, then insert what this one did."""
    if rows.resolved:
        await connection.execute(_RESOLVE, *map(list, zip(*rows.resolved, strict=True)))
    if rows.opened:
        await connection.execute(_INSERT, *map(list, zip(*map(msgspec.structs.astuple, rows.opened), strict=True)))


TABLE = Table("incidents", "projected", Projection("events", build, write))
