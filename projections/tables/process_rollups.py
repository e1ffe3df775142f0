"""``process_rollups``: how many instances of a version are in which status, and how long those took that completed.

One row a partition, version of a definition, and hour of the START: an instance's id tells partition and hour, and an
event what the instance was before it; so each event says by itself which counts change, and nothing is read.  The
partition in the key keeps projectors from waiting for each other.  Whoever asks for less sums rows up; the sums over
all hours are ``process_totals``.

| an event of type | one less | one more |
|---|---|---|
| ``started`` | | running |
| ``completed``, with its duration | running | completed |
| ``failed``; ``timed_out`` | running | failed; timeout |
| ``suspended``; ``resumed`` | running; suspended | suspended; running |
| ``cancelled``; ``retried`` | what ``was`` says | cancelled; running |
| ``migrated`` | what ``was`` says, of the version before | the same, of the version after |

Durations are kept to two significant digits, so within 5 %, each with how often it came: from them follow percentiles.
Events of the first Weirs have no ``was``; what the instance was then stands in ``process_history``.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from projections.feeds.events import InstanceEvent
from projections.tables.base import Projection, Table
from streams.core.durations import instant, instant_ms
from streams.core.state import STATUSES

HOUR_MS = 3_600_000
TRANSITIONS: dict[str, tuple[str | None, str | None]] = {
    "started": (None, "running"),
    "completed": ("running", "completed"),
    "failed": ("running", "failed"),
    "timed_out": ("running", "timeout"),
    "suspended": ("running", "suspended"),
    "resumed": ("suspended", "running"),
    "cancelled": (None, "cancelled"),
    "retried": (None, "running"),
    "migrated": (None, None),
}
"""(before, after) by the event's type; where it cannot be said for all, ``None``."""
SEVERAL = frozenset({"cancelled", "retried", "migrated"})
"""Types that an instance of several statuses may meet: they carry ``was``."""


Key = tuple[int, str, int, int]
"""Of a row: partition, definition, version, hour from 1970."""
_AT = {status: at for at, status in enumerate((*STATUSES, None))}
_MOVES = {name: (_AT[before], _AT[after]) for name, (before, after) in TRANSITIONS.items() if name not in SEVERAL}
"""Where in ``Delta.counts`` one is taken away, and where one is added."""


class Took:
    """How long what has completed took: ``durations`` counts ``rounded`` milliseconds."""

    __slots__ = ("duration_ms", "durations")

    def __init__(self) -> None:
        self.duration_ms = 0
        self.durations: dict[int, int] = {}

    def took(self, duration_ms: int) -> None:
        """One has completed after so long."""
        self.duration_ms += duration_ms
        short = rounded(duration_ms)
        self.durations[short] = self.durations.get(short, 0) + 1


class Delta(Took):
    """What a batch adds to a row.

    ``counts`` are those of ``STATUSES``, and behind them one that nobody reads, for what comes from nowhere.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        super().__init__()
        self.counts = [0] * (len(STATUSES) + 1)

    def add(self, other: "Delta") -> None:
        """All of another one."""
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.duration_ms += other.duration_ms
        for ms, count in other.durations.items():
            self.durations[ms] = self.durations.get(ms, 0) + count


@dataclass(slots=True)
class Rollup:
    """``untold``: events that do not say what the instance was before them, although it may have been several."""

    rows: dict[Key, Delta] = field(default_factory=dict)
    untold: list[InstanceEvent] = field(default_factory=list)

    def row(self, key: Key) -> Delta:
        """The one of ``key``; also one to which nothing is added in the end exists in the table."""
        found = self.rows.get(key)
        if found is None:
            found = self.rows[key] = Delta()
        return found


class _Several(msgspec.Struct):
    was: str | None = None
    to_version: int = 0


_decode = msgspec.json.Decoder(_Several).decode


def rounded(ms: int) -> int:
    """To two significant digits, half up: as SQL's ``round(ms, 1 - floor(log(ms))::int)``."""
    unit = 1
    while ms >= 100 * unit:
        unit *= 10
    return (ms + unit // 2) // unit * unit


def partition_of(instance: bytes) -> int:
    """The 12 bits behind the version of the id (``streams.core.ids``)."""
    return (instance[6] & 15) << 8 | instance[7]


def build(items: Sequence[InstanceEvent]) -> Rollup:
    """What the events add.  Raises ``msgspec.ValidationError`` for data that is not its event type's."""
    rollup = Rollup()
    rows, move_of = rollup.rows, _MOVES.get
    for item in items:
        instance, event = item
        type_ = event.type
        if (move := move_of(type_)) is None:
            if type_ in SEVERAL:
                data = _decode(event.data)
                if data.was is None:
                    rollup.untold.append(item)
                else:
                    _several(rollup, item, data.was, data.to_version)
            continue
        started_ms = int.from_bytes(instance[:6], "big")
        key = (partition_of(instance), event.definition_id, event.definition_version, started_ms // HOUR_MS)
        row = rows.get(key) or rollup.row(key)
        before, after = move
        row.counts[before] -= 1
        row.counts[after] += 1
        if type_ == "completed":
            row.took(max(0, instant_ms(event.time) - started_ms))
    return rollup


def _several(rollup: Rollup, item: InstanceEvent, was: str, to_version: int) -> None:
    instance, event = item
    partition, hour = partition_of(instance), int.from_bytes(instance[:6], "big") // HOUR_MS
    version = to_version if event.type == "migrated" else event.definition_version
    after = TRANSITIONS[event.type][1] or was
    rollup.row((partition, event.definition_id, event.definition_version, hour)).counts[_AT[was]] -= 1
    rollup.row((partition, event.definition_id, version, hour)).counts[_AT[after]] += 1


_COLUMNS = ", ".join(STATUSES)
_ADDED = ", ".join(f"{status} = old.{status} + excluded.{status}" for status in STATUSES)
_MERGED = f"""
    {_ADDED},
    duration_ms = old.duration_ms + excluded.duration_ms,
    (durations, duration_counts) = (
        SELECT coalesce(array_agg(ms ORDER BY ms), '{{}}'), coalesce(array_agg(count ORDER BY ms), '{{}}')
        FROM (
            SELECT ms, sum(count)::int AS count
            FROM unnest(old.durations || excluded.durations, old.duration_counts || excluded.duration_counts)
                AS each (ms, count)
            GROUP BY ms
        ) AS merged)
"""  # noqa: S608  the columns are constants
_UPSERT = f"""
    INSERT INTO process_rollups AS old (
        partition, definition_id, definition_version, hour, {_COLUMNS}, duration_ms, durations, duration_counts)
    SELECT partition, definition_id, definition_version, hour, {_COLUMNS}, duration_ms, durations::bigint[],
           duration_counts::int[]
    FROM unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::int[], $6::int[], $7::int[], $8::int[],
                $9::int[], $10::int[], $11::bigint[], $12::text[], $13::text[])
        AS new (partition, definition_id, definition_version, hour, {_COLUMNS}, duration_ms, durations,
                duration_counts)
    ON CONFLICT (partition, definition_id, definition_version, hour) DO UPDATE SET {_MERGED}
"""  # noqa: S608  the columns are constants
_UPSERT_TOTALS = f"""
    INSERT INTO process_totals AS old (
        partition, definition_id, definition_version, {_COLUMNS}, duration_ms, durations, duration_counts)
    SELECT partition, definition_id, definition_version, {_COLUMNS}, duration_ms, durations::bigint[],
           duration_counts::int[]
    FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
                $10::bigint[], $11::text[], $12::text[])
        AS new (partition, definition_id, definition_version, {_COLUMNS}, duration_ms, durations, duration_counts)
    ON CONFLICT (partition, definition_id, definition_version) DO UPDATE SET {_MERGED}
"""  # noqa: S608  the columns are constants
_BEFORE = """
    SELECT event_type FROM process_history
    WHERE instance_id = $1 AND seq < $2 AND event_type = ANY ($3::text[]) ORDER BY seq DESC LIMIT 1
"""
_TOLD = [name for name, (_, after) in TRANSITIONS.items() if after is not None]


async def write(connection: asyncpg.Connection, rollup: Rollup) -> None:
    """Add to the rows.  ``process_history`` has the batch's events already."""
    for item in rollup.untold:
        found = await connection.fetchval(_BEFORE, UUID(bytes=item.instance), item.event.seq, _TOLD)
        was = TRANSITIONS[found][1] if found is not None else None
        _several(rollup, item, was or "running", _decode(item.event.data).to_version)
    rollup.untold = []
    if not rollup.rows:
        return
    keys, totals = list(rollup.rows), _totals(rollup)
    await connection.execute(
        _UPSERT,
        [partition for partition, _, _, _ in keys],
        [definition_id for _, definition_id, _, _ in keys],
        [version for _, _, version, _ in keys],
        [instant(hour * HOUR_MS) for _, _, _, hour in keys],
        *_values(rollup.rows.values()),
    )
    await connection.execute(
        _UPSERT_TOTALS,
        [partition for partition, _, _ in totals],
        [definition_id for _, definition_id, _ in totals],
        [version for _, _, version in totals],
        *_values(totals.values()),
    )


def _totals(rollup: Rollup) -> dict[tuple[int, str, int], Delta]:
    found: dict[tuple[int, str, int], Delta] = {}
    for (partition, definition_id, version, _), delta in rollup.rows.items():
        found.setdefault((partition, definition_id, version), Delta()).add(delta)
    return found


def _values(deltas: Collection[Delta]) -> Iterator[list[Any]]:
    """By column, behind the key."""
    for at in range(len(STATUSES)):
        yield [delta.counts[at] for delta in deltas]
    yield [delta.duration_ms for delta in deltas]
    lasted = [sorted(delta.durations.items()) for delta in deltas]
    yield [array(ms for ms, _ in one) for one in lasted]
    yield [array(count for _, count in one) for one in lasted]


def array(numbers: Iterable[int]) -> str:
    """An array as text: those of several rows differ in length, so that they make no array of arrays."""
    return "{" + ",".join(map(str, numbers)) + "}"


TABLE = Table("process_rollups", "projected", Projection("events", build, write))
