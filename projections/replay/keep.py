"""What the topics no longer hold is kept: rows of telemetry are copied from the live table into the shadow.

Each copy moves the shadow's positions in its transaction, as projecting the records would have.  The rows are older
than anything that is still projected, so nobody changes them meanwhile.
"""

from collections.abc import Mapping
from typing import NamedTuple

import asyncpg

from projections import positions
from projections.errors import NotOwnerError, RecordsLostError, ReplayError
from projections.feeds import FEEDS, FeedName
from projections.tables.telemetry import COLUMNS
from streams.log import Span
from streams.transport.port import TopicPartition

_COLUMNS = ", ".join(COLUMNS)
_SELECTED = ", ".join(f"live.{column}" for column in COLUMNS)
_COPY = f"""
    INSERT INTO telemetry ({_COLUMNS})
    SELECT {_SELECTED} FROM %s.telemetry AS live
    JOIN unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS kept (topic, partition, first, "end")
      ON live.topic = kept.topic AND live.record_partition = kept.partition
     AND live.record_offset >= kept.first AND live.record_offset < kept."end"
"""  # noqa: S608  the columns are constants, and %s is a schema's quoted name
_HAS_ROWS = "SELECT EXISTS (SELECT FROM %s.telemetry WHERE topic = $1)"


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
    """Topics that were projected once and are not in topics.yaml must be telemetry: anything else would lose rows.

    Raises ``ReplayError``.
    """
    for topic in sorted(undeclared):
        if not await connection.fetchval(_HAS_ROWS % live, topic):
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
        status: str = await connection.execute(
            _COPY % live,
            [one.tp.topic for one in kept],
            [one.tp.partition for one in kept],
            [one.first for one in kept],
            [one.end for one in kept],
        )
    return int(status.rpartition(" ")[2])  # "INSERT 0 <rows>"
