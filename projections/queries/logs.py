"""What has happened, in whichever instance?  The newest first, of a time: no index has the words."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from projections.queries.history import COLUMNS, SAID, HistoryEvent
from projections.statements import Parameters, conditions_of, containing


class LoggedEvent(HistoryEvent, frozen=True, kw_only=True):
    """An event, and whose it is."""

    instance_id: UUID


class LogPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where an event stands among all: what comes behind it is older."""

    timestamp: datetime
    instance_id: UUID
    seq: int

    @classmethod
    def of(cls, event: LoggedEvent) -> "LogPlace":
        """The event's."""
        return cls(event.timestamp, event.instance_id, event.seq)


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold.  ``since`` is inclusive, ``until`` is not; both are plant time.

    ``text`` is in what the event says, in whatever case; without ``answers`` not in what was answered to a task.
    """

    since: datetime
    until: datetime
    definition_id: str | None = None
    types: Sequence[str] | None = None
    text: str | None = None
    answers: bool = True


async def logs(
    connection: asyncpg.Connection, wanted: LogFilter, *, before: LogPlace | None = None, limit: int = 50
) -> list[LoggedEvent]:
    """At most ``limit`` events, the newest first, from behind the place ``before`` on."""
    query, values = statement(wanted, before, limit)
    rows = await connection.fetch(query, *values)
    return [LoggedEvent(**dict(row) | {"data": msgspec.json.decode(row["data"])}) for row in rows]


def statement(wanted: LogFilter, before: LogPlace | None, limit: int) -> tuple[str, list[object]]:
    """The question in SQL, and its values."""
    parameter = Parameters()
    given = (
        ("timestamp >= {}", wanted.since),
        ("timestamp < {}", wanted.until),
        ("definition_id = {}", wanted.definition_id),
        ("event_type = ANY ({}::text[])", None if wanted.types is None else list(wanted.types)),
    )
    conditions = conditions_of(given, parameter)
    if wanted.text is not None:
        conditions.append(f"{SAID.format(parameter(wanted.answers))} ILIKE {parameter(containing(wanted.text))}")
    if before is not None:
        at = parameter(before.timestamp)
        place = f"({at}, {parameter(before.instance_id)}, {parameter(before.seq)})"
        conditions += [f"(timestamp, instance_id, seq) < {place}", f"timestamp <= {at}"]  # the former excludes no chunk
    tail = f"ORDER BY timestamp DESC, instance_id DESC, seq DESC LIMIT {parameter(limit)}"
    where = f"WHERE {' AND '.join(conditions)}"
    return f"SELECT instance_id, {COLUMNS} FROM process_history {where} {tail}", parameter.values  # noqa: S608
