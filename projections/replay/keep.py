"""What the topics no longer hold is kept: rows of telemetry and of the audit log are copied into the shadow.

Each copy moves the shadow's positions in its transaction, as projecting the records would have.  The rows are older
than anything that is still projected, so nobody changes them meanwhile.
"""

from collections.abc import Mapping
from typing import NamedTuple

import asyncpg

from projections import positions
from projections.errors import NotOwnerError, RecordsLostError, ReplayError
from projections.feeds import FEEDS, FeedName
from projections.tables import audit_log, telemetry
from streams.log import Span
from streams.transport.port import TopicPartition

_COPY = """
    INSERT INTO {table} ({columns})
    SELECT {selected} FROM %s.{table} AS live
    JOIN unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS kept (topic, partition, first, "end")
      ON live.topic = kept.topic AND live.record_partition = kept.partition
     AND live.record_offset >= kept.first AND live.record_offset < kept."end"
"""
_KEPT = [
    _COPY.format(table=table, columns=", ".join(columns), selected=", ".join(f"live.{one}" for one in columns))
    for table, columns in (("telemetry", telemetry.COLUMNS), ("audit_log", audit_log.COLUMNS))
]
"""For each table whose rows know the record that they are of; ``%s`` is a schema's quoted name."""
_HAVE_ROWS = (
    "SELECT EXISTS (SELECT FROM %s.telemetry WHERE topic = $1)",
    "SELECT EXISTS (SELECT FROM %s.audit_log WHERE topic = $1)",
)


class Kept(NamedTuple):
    """Offsets ``[first, end)`` of a partition."""

    tp: TopicPartition
    first: int
    end: int


def gone(
    feeds: Mapping[str, FeedName],
    reached: Mapping[TopicPartition, int],
    targets: Mapping[TopicPartition, int],
    bounds: Mapping[TopicPartition, Span],
) -> list[Kept]:
    """What lies between the shadow's positions (``reached``) and ``targets``, but cannot be read any more.

    Either the topic begins later (``bounds``), or it is no longer declared.  Raises ``RecordsLostError`` for events and
    definitions, which exist nowhere else.
    """
    found = []
    for tp, target in targets.items():
        end = min(target, bounds[tp].start) if tp.topic in feeds else target
        if reached[tp] >= end:
            continue
        if tp.topic in feeds and FEEDS[feeds[tp.topic]].truth:
            raise RecordsLostError(
                f"Expected {tp.topic}/{tp.partition} from offset {reached[tp]} on, but it begins at {end}: the tables "
                "cannot be rebuilt without what is gone. Restore the topic, then replay"
            )
        found.append(Kept(tp, reached[tp], end))
    return found


async def check_undeclared(connection: asyncpg.Connection, live: str, undeclared: set[str]) -> None:
    """Topics that were projected once and are not in topics.yaml must be telemetry, or an audit: else rows were lost.

    Raises ``ReplayError``.
    """
    for topic in sorted(undeclared):
        if not any([await connection.fetchval(statement % live, topic) for statement in _HAVE_ROWS]):
            raise ReplayError(
                f"Expected every projected topic in topics.yaml, but {topic} is not, and no telemetry is of it: were "
                "events or definitions under that name? Declare it again; or, when nothing of it is worth keeping, "
                "delete its rows from projection_positions"
            )


async def keep(connection: asyncpg.Connection, live: str, kept: list[Kept]) -> int:
    """Copy the rows of ``kept`` from ``live`` and move the positions, in one transaction; returns how many rows.

    ``connection`` sees the shadow.  Raises ``NotOwnerError`` when another replay moved a position.
    """
    async with connection.transaction():
        for tp, first, end in kept:
            if not await positions.move(connection, tp.topic, tp.partition, first, end):
                raise NotOwnerError(f"Expected the shadow of {tp.topic}/{tp.partition} at {first}: who else replays?")
        places = zip(*((*one.tp, one.first, one.end) for one in kept), strict=True)
        columns = [list(values) for values in places] or [[], [], [], []]
        statuses = [await connection.execute(statement % live, *columns) for statement in _KEPT]
    return sum(int(status.rpartition(" ")[2]) for status in statuses)  # "INSERT 0 <rows>"
