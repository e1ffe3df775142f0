"""The simulated database's ``station_outbox`` with its sequences, and what is asked of it (``streams.station``)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streams.station import outbox, relay

if TYPE_CHECKING:
    from projections.memory_tables import Session

Row = dict[str, Any]


@dataclass
class Outbox:
    """Rows by id.  As in PostgreSQL no rollback takes a number back: the columns are drawn before a commit."""

    rows: dict[int, Row] = field(default_factory=dict)
    last_id: int = 0
    last_seq: int = 0

    def next_seq(self) -> int:
        """``nextval``."""
        self.last_seq += 1
        return self.last_seq


def _put(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    found = session.tables.outbox
    for topic, partition, key, value, headers in zip(*columns, strict=True):
        found.last_id += 1
        row = {"id": found.last_id, "seq": None, "topic": topic, "partition": partition, "key": key, "value": value}
        session.change(found.rows, found.last_id, row | {"headers": headers})
    return []


def _tell(session: "Session", channel: str) -> list[Row]:
    session.notify(channel)
    return []


def _try_lock(session: "Session", number: int) -> list[Row]:
    return [{"pg_try_advisory_lock": session.try_advisory_lock(number)}]


def _catch_up(session: "Session", sent: int) -> list[Row]:
    found = session.tables.outbox
    found.last_seq = max(sent, found.next_seq())
    return [{"setval": found.last_seq}]


async def _number(session: "Session", limit: int) -> list[Row]:
    found = session.tables.outbox
    new = sorted(id_ for id_, row in session.rows(found.rows).items() if row["seq"] is None)[:limit]
    for id_ in new:
        await session.lock(("station_outbox", id_))
        session.change(found.rows, id_, found.rows[id_] | {"seq": found.next_seq()})
    return []


def _next(session: "Session", after: int, limit: int) -> list[Row]:
    rows = [row for row in session.rows(session.tables.outbox.rows).values() if (row["seq"] or 0) > after]
    return sorted(rows, key=lambda row: row["seq"])[:limit]


async def _delete(session: "Session", last: int) -> list[Row]:
    found = session.tables.outbox
    for id_ in [id_ for id_, row in session.rows(found.rows).items() if 0 < (row["seq"] or 0) <= last]:
        await session.lock(("station_outbox", id_))
        session.remove(found.rows, id_)
    return []


STATEMENTS: dict[str, Callable[..., list[Row] | Awaitable[list[Row]]]] = {
    outbox._PUT: _put,  # noqa: SLF001
    outbox._TELL: _tell,  # noqa: SLF001
    relay._TRY_LOCK: _try_lock,  # noqa: SLF001
    relay._CATCH_UP: _catch_up,  # noqa: SLF001
    relay._NUMBER: _number,  # noqa: SLF001
    relay._NEXT: _next,  # noqa: SLF001
    relay._DELETE: _delete,  # noqa: SLF001
}
"""By their text."""
