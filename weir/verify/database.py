"""The database's rows against the fold, both below the projector's positions.

Positions and rows are read in one snapshot, so the rows are the events below the positions, each once.  Rows are
streamed in whatever order they lie, and taken off the digests of what the log says; only where something is left the
rows of that instance are fetched and compared one by one.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import msgspec

from streams.settings import Settings
from weir.database import connected
from weir.verify import activities, history
from weir.verify.activities import ActivityTallies, compare_activities
from weir.verify.canonical import differing
from weir.verify.fold import Projected
from weir.verify.incidents import QUERY as OF_INCIDENTS
from weir.verify.incidents import IncidentRow, incident_row
from weir.verify.report import Difference
from weir.verify.rollups import QUERY as ROLLUPS
from weir.verify.rollups import TOTALS, Key, Tally, compare_rollups, compare_totals
from weir.verify.rows import InstanceRow
from weir.verify.tasks import QUERY as TASKS
from weir.verify.tasks import TaskRow, task_row

T = TypeVar("T")
R = TypeVar("R", TaskRow, IncidentRow)
Found = defaultdict[str, list[T]]
FETCH = 5_000
"""Rows at a time."""
HISTORY = """
    SELECT instance_id::text, seq, timestamp, event_type, activity_id, message, definition_id, definition_version,
           cause, token, data::text
    FROM process_history
"""
INSTANCES = """
    SELECT id::text, definition_id, definition_version, status, status_since, business_key, reference, current_activity,
           variables::text, error, steps, last_seq, started_at, updated_at, completed_at, steps_completed, trigger::text
    FROM process_instances
"""


def _mine(column: str) -> str:
    """The rows of some partitions: the 12 bits behind the version of the id."""
    place = f"((get_byte(uuid_send({column}), 6) & 15) << 8 | get_byte(uuid_send({column}), 7))"
    return f" WHERE {place} % $1 = ANY ($2::int[])"


@dataclass(frozen=True)
class Snapshot:
    """A moment of the database: its id for other connections, and the positions of the projected topics then.

    ``removed_before``: instances that had ended before were old enough to be removed (``projections.retention``).
    """

    id: str
    positions: dict[tuple[str, int], int]
    removed_before: datetime | None = None


@asynccontextmanager
async def snapshot(settings: Settings) -> AsyncIterator[tuple[asyncpg.Connection, Snapshot]]:
    """Hold a moment of the database.  Raises ``UnreachableError``, ``NoSchemaError``."""
    async with (
        connected(settings, command_timeout_s=None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        # Before the snapshot is taken: no replay exchanges the tables until the end.
        await connection.execute("LOCK TABLE projection_positions IN ACCESS SHARE MODE")
        found = await connection.fetch("SELECT topic, partition, max(position) FROM projection_positions GROUP BY 1, 2")
        name = await connection.fetchval("SELECT pg_export_snapshot()")
        removed_before = await connection.fetchval("SELECT removed_before FROM retention WHERE kind = 'history'")
        positions = {(topic, partition): position for topic, partition, position in found}
        yield connection, Snapshot(name, positions, removed_before)


@asynccontextmanager
async def joined(settings: Settings, moment: Snapshot) -> AsyncIterator[asyncpg.Connection]:
    """Another connection that sees the same moment, as long as that is held."""
    async with (
        connected(settings, command_timeout_s=None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(f"SET TRANSACTION SNAPSHOT '{moment.id}'")
        yield connection


class Rows:
    """The rows of some ``partitions`` of ``of``, or of one instance (``only``)."""

    def __init__(
        self, connection: asyncpg.Connection, partitions: Sequence[int], of: int, only: str | None = None
    ) -> None:
        self._connection, self._partitions, self._of, self._only = connection, partitions, of, only

    async def subtract(self, projected: dict[str, Projected], tell: Callable[[int], None]) -> set[str]:
        """Take every row of history off ``projected``; returns the unknown instances that there are rows of.

        ``tell`` is called with how many rows more were read.
        """
        strays: set[str] = set()
        async for part in self._stream(HISTORY, "instance_id"):
            for row in part:
                instance = row[0]
                known = projected.get(instance)
                if known is None:
                    strays.add(instance)
                else:
                    known.events -= 1
                    known.history -= history.row_digest(row)
            tell(len(part))
        return strays

    async def wrong_rows(self, projected: dict[str, Projected]) -> set[str]:
        """Instances whose row is missing, not as its digest says, or of an instance that is not known."""
        unseen = set(projected)
        wrong: set[str] = set()
        async for part in self._stream(INSTANCES, "id"):
            for row in part:
                found = instance_row(row)
                known = projected.get(found.id)
                unseen.discard(found.id)
                if known is None or (known.row is not None and known.row != found.digest):
                    wrong.add(found.id)
        return wrong | unseen

    async def subtract_tasks(self, projected: dict[str, Projected], tell: Callable[[int], None]) -> set[str]:
        """Take every row of ``tasks`` off ``projected``; returns the unknown instances that there are rows of."""

        def take(known: Projected, row: TaskRow) -> None:
            known.tasks -= row.digest

        return await self._subtract(TASKS, task_row, projected, take, tell)

    async def subtract_incidents(self, projected: dict[str, Projected], tell: Callable[[int], None]) -> set[str]:
        """The same for ``incidents``."""

        def take(known: Projected, row: IncidentRow) -> None:
            known.incidents -= row.digest

        return await self._subtract(OF_INCIDENTS, incident_row, projected, take, tell)

    async def _subtract(
        self,
        query: str,
        row_of: Callable[[asyncpg.Record], R],
        projected: dict[str, Projected],
        take: Callable[[Projected, R], None],
        tell: Callable[[int], None],
    ) -> set[str]:
        strays: set[str] = set()
        async for part in self._stream(query, "instance_id"):
            for row in part:
                found = row_of(row)
                known = projected.get(found.instance_id)
                if known is None:
                    strays.add(found.instance_id)
                else:
                    take(known, found)
            tell(len(part))
        return strays

    async def wrong_rollups(self, expected: Mapping[int, Mapping[Key, Tally]]) -> list[Difference]:
        """What differs in ``process_rollups`` and ``process_totals`` of partitions that were folded as a whole."""
        found = await self._of_partitions(ROLLUPS, expected)
        totals = await self._of_partitions(TOTALS, expected)
        return [
            one
            for number, rows in expected.items()
            for one in (*compare_rollups(number, rows, found[number]), *compare_totals(number, rows, totals[number]))
        ]

    async def wrong_activities(self, expected: Mapping[int, ActivityTallies]) -> list[Difference]:
        """The same for ``activity_rollups``."""
        found = await self._of_partitions(activities.QUERY, expected)
        return [one for number, rows in expected.items() for one in compare_activities(number, rows, found[number])]

    async def _of_partitions(self, query: str, partitions: Iterable[int]) -> defaultdict[int, list[asyncpg.Record]]:
        found: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
        for row in await self._connection.fetch(f"{query} WHERE partition = ANY ($1::int[])", list(partitions)):
            found[row["partition"]].append(row)
        return found

    async def tasks_of(self, ids: Iterable[str]) -> Found[TaskRow]:
        """The rows of ``tasks``, by instance."""
        return await self._rows_of(TASKS, task_row, ids)

    async def incidents_of(self, ids: Iterable[str]) -> Found[IncidentRow]:
        """The rows of ``incidents``, by instance."""
        return await self._rows_of(OF_INCIDENTS, incident_row, ids)

    async def _rows_of(self, query: str, row_of: Callable[[asyncpg.Record], R], ids: Iterable[str]) -> Found[R]:
        found: Found[R] = defaultdict(list)
        for row in await self._connection.fetch(f"{query} WHERE instance_id = ANY ($1::uuid[])", list(ids)):
            found[row["instance_id"]].append(row_of(row))
        return found

    async def of_instances(self, ids: Iterable[str]) -> tuple[Found[asyncpg.Record], Found[InstanceRow]]:
        """The rows of history, by seq, and those of ``process_instances``, by instance."""
        wanted = list(ids)
        told: Found[asyncpg.Record] = defaultdict(list)
        states: Found[InstanceRow] = defaultdict(list)
        query = f"{HISTORY} WHERE instance_id = ANY ($1::uuid[]) ORDER BY seq, timestamp"
        for row in await self._connection.fetch(query, wanted):
            told[row[0]].append(row)
        for row in await self._connection.fetch(f"{INSTANCES} WHERE id = ANY ($1::uuid[]) ORDER BY started_at", wanted):
            states[row[0]].append(instance_row(row))
        return told, states

    async def _stream(self, query: str, column: str) -> AsyncIterator[list[asyncpg.Record]]:
        if self._only is not None:
            cursor = await self._connection.cursor(f"{query} WHERE {column} = $1::uuid", self._only)
        elif len(self._partitions) == self._of:
            cursor = await self._connection.cursor(query)
        else:
            cursor = await self._connection.cursor(f"{query}{_mine(column)}", self._of, list(self._partitions))
        while part := await cursor.fetch(FETCH):
            yield part


def instance_row(row: Any) -> InstanceRow:
    """A row of ``INSTANCES``."""
    trigger = None if row["trigger"] is None else msgspec.json.decode(row["trigger"])
    return InstanceRow(**dict(row) | {"variables": msgspec.json.decode(row["variables"]), "trigger": trigger})


def compare_rows(expected: InstanceRow | None, found: Sequence[InstanceRow]) -> list[Difference]:
    """The row of one instance, column by column; the key of the table allows more than one."""
    if expected is None:
        return [_extra(row) for row in found]
    if not found:
        message = f"row: expected {expected.status} at seq {expected.last_seq}, but process_instances has none"
        return [Difference("instance-missing", expected.id, expected.last_seq, message)]
    ways = [list(differing(_columns(expected), _columns(row))) for row in found]
    closest = min(range(len(found)), key=lambda at: len(ways[at]))
    differences = [_extra(row) for at, row in enumerate(found) if at != closest]
    if ways[closest]:
        told = (f"{name}: expected {one}, but process_instances has {other}" for name, one, other in ways[closest])
        differences.append(Difference("instance", expected.id, expected.last_seq, "; ".join(told)))
    return differences


def _extra(row: InstanceRow) -> Difference:
    message = f"row: expected none from {row.started_at.isoformat()}, but process_instances has one"
    return Difference("instance-extra", row.id, row.last_seq, message)


def _columns(row: InstanceRow) -> dict[str, Any]:
    columns: dict[str, Any] = msgspec.to_builtins(row)
    return columns
