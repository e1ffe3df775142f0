"""Where the position of an input partition lives: with the data that it describes.

    TablePositions     in the changelog, written in the transaction that writes the state            (processor)
    GroupPositions     in the consumer group: in the transaction that writes the output              (router)
                       or, not transactional, stored by the agent when the work is done              (action worker)
    ExternalPositions  in the agent's own database, in its own transaction; the transport only reads (projector)

``start`` tells where a lane begins.  A position that the log cannot serve any more is never papered over: it ends the
process, except for ``missing="latest"``, where it is an alarm.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from streams.transport.contents import TableContents
from streams.transport.fatal import Fatal, logger
from streams.transport.options import Counters
from streams.transport.port import Offsets, TopicPartition

Bounds = Mapping[TopicPartition, tuple[int, int]]


class ChangelogTable(Protocol):
    """A table as the transport sees it."""

    @property
    def changelog(self) -> str:
        """Name of the changelog topic."""
        ...

    @property
    def contents(self) -> TableContents: ...


class Kept(Protocol):
    """Positions of a group in a place of our own: ``kept.py``."""

    async def read(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """None where nothing was kept."""
        ...

    async def keep(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Called after the group's offsets were committed; raises nothing that may pass."""
        ...


@dataclass(frozen=True)
class TablePositions:
    """The position is a record of the table, so state and position cannot part."""

    table: ChangelogTable

    async def read(self, tps: list[TopicPartition], _: Offsets) -> Mapping[TopicPartition, int | None]:
        """Positions of the recovered table; None for partitions never processed."""
        return {tp: self.table.contents.input_position(tp) for tp in tps}


@dataclass(frozen=True)
class GroupPositions:
    """The position is the group's committed offset.

    ``missing``: what to do without one, or with one that the log no longer holds.  ``latest`` starts at the end, with
    an alarm and ``counters.missing_offsets``; ``fatal`` ends the process.  Never the earliest: old telemetry would
    start processes today, old requests would act twice.  After a week away ``latest`` loses nothing that still counts:
    a router starts nothing on readings that old.
    """

    missing: Literal["latest", "fatal"]
    transactional: bool = True
    kept: Kept | None = None
    """Where the positions stand a second time, since Kafka forgets those of a group that was away for a week."""

    async def read(self, tps: list[TopicPartition], offsets: Offsets) -> Mapping[TopicPartition, int | None]:
        """Offsets committed by the group; what was kept where it has none."""
        found = dict(await offsets.committed(tps))
        lacking = [tp for tp in tps if found[tp] is None]
        if lacking and self.kept is not None:
            kept = await self.kept.read(lacking)
            logger.warning("the group has no offsets, going on where it was by our own account: %s", kept)
            found.update(kept)
        return found


@dataclass(frozen=True)
class ExternalPositions:
    """``reader(tps)`` returns the next offset to read for each partition, or None for the earliest.

    Nothing in Kafka fences an old owner from the database: move the position with ``UPDATE … WHERE position = old`` in
    the same database transaction, and leave when no row is changed.
    """

    reader: Callable[[list[TopicPartition]], Awaitable[Mapping[TopicPartition, int | None]]]

    async def read(self, tps: list[TopicPartition], _: Offsets) -> Mapping[TopicPartition, int | None]:
        """What the database says."""
        return await self.reader(tps)


Positions = TablePositions | GroupPositions | ExternalPositions


@dataclass(frozen=True)
class Start:
    """Where a lane begins; ``unsaved`` when the position was chosen here and must be kept before anything is read."""

    position: int
    unsaved: bool = False


async def start(
    positions: Positions, tps: list[TopicPartition], offsets: Offsets, counters: Counters, fatal: Fatal
) -> dict[TopicPartition, Start]:
    """Decide for each of ``tps`` where its lane begins."""
    if not tps:
        return {}
    found = await positions.read(tps, offsets)
    bounds = await offsets.bounds(tps)
    latest = isinstance(positions, GroupPositions) and positions.missing == "latest"
    starts: dict[TopicPartition, Start] = {}
    for tp in tps:
        if isinstance(positions, TablePositions) and not positions.table.contents.is_begun(tp.partition):
            fatal(
                f"Expected {positions.table.changelog}[{tp.partition}] to be recovered, but its reading was not begun"
            )
        position, (first, end) = found.get(tp), bounds[tp]
        problem = _problem(positions, tp, position, first, end)
        if position is None and end == 0:
            starts[tp] = Start(0, unsaved=isinstance(positions, GroupPositions))  # nothing was ever written: exact
        elif problem is None:
            starts[tp] = Start(first if position is None else position)
        elif latest:
            counters.missing_offsets += 1
            logger.error("%s  Starting at the latest offset %d; what came before is not processed.", problem, end)
            starts[tp] = Start(end, unsaved=True)
        else:
            fatal(problem + "  " + _advice(positions, tp))
    return starts


def _problem(positions: Positions, tp: TopicPartition, position: int | None, first: int, end: int) -> str | None:
    where = f"{tp.topic}[{tp.partition}]"
    if position is None:
        return _lacking(positions, tp, first)
    if position < first:
        return (
            f"Expected {where} to hold the next offset {position}, but it begins at {first}: "
            f"{first - position} offsets are gone (retention, or records deleted by hand)."
        )
    if position > end:
        return (
            f"Expected {where} to hold the next offset {position}, but it ends at {end}: "
            "the topic was recreated or truncated."
        )
    return None


def _lacking(positions: Positions, tp: TopicPartition, first: int) -> str | None:
    """What a missing position means; inputs of a table are deleted below its position only."""
    where = f"{tp.topic}[{tp.partition}]"
    match positions:
        case GroupPositions():
            return f"Expected a committed group offset for {where}, but the group has none."
        case TablePositions(table) if first > 0:
            return (
                f"Expected {table.changelog}[{tp.partition}] to hold a position, since {where} begins at {first}, but "
                "it holds none: the changelog is lost."
            )
    return None


def _advice(positions: Positions, tp: TopicPartition) -> str:
    match positions:
        case TablePositions(table):
            return (
                f"The state in {table.changelog} does not fit this topic: restore the topic, or rebuild the table from "
                "the event log: `weir replay --state`."
            )
        case GroupPositions():
            return (
                f"Nothing is skipped or repeated silently: choose where to go on and set the group's offset for "
                f"{tp.topic}[{tp.partition}] (kafka-consumer-groups.sh --reset-offsets), then start again."
            )
        case ExternalPositions():
            return (
                "The projection does not fit this topic: restore the topic, or rebuild the projection from the start."
            )
