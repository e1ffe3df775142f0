"""``process_rollups``: how many instances of a version are in which status, and how long those took that completed.

One row a partition, version of a definition, and hour of the START: an instance's id tells partition and hour, and an
event what the instance was before it; so each event says by itself which counts change, and nothing is read.  The
partition in the key keeps projectors from waiting for each other.  Whoever asks for less sums rows up.

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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from projections.feeds.events import InstanceEvent
from projections.tables.base import Projection, Table
from streams.core.durations import instant, instant_ms

HOUR_MS = 3_600_000
STATUSES = ("running", "suspended", "completed", "failed", "cancelled", "timeout")
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


class Key(NamedTuple):
    """Of a row; ``hour`` counts from 1970."""

    partition: int
    definition_id: str
    definition_version: int
    hour: int


@dataclass(slots=True)
class Delta:
    """What a batch adds to a row; ``durations`` counts ``rounded`` milliseconds."""

    counts: dict[str, int] = field(default_factory=dict)
    duration_ms: int = 0
    durations: dict[int, int] = field(default_factory=dict)

    def add(self, status: str, count: int) -> None:
        """So many more of ``status``."""
        self.counts[status] = self.counts.get(status, 0) + count

    def completed(self, duration_ms: int) -> None:
        """One has completed after so long."""
        self.duration_ms += duration_ms
        short = rounded(duration_ms)
        self.durations[short] = self.durations.get(short, 0) + 1


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
    if ms < 100:  # noqa: PLR2004  two digits
        return ms
    unit: int = 10 ** (len(str(ms)) - 2)
    return (ms + unit // 2) // unit * unit


def partition_of(instance: bytes) -> int:
    """The 12 bits behind the version of the id (``streams.core.ids``)."""
    return (instance[6] & 15) << 8 | instance[7]


def _key(instance: bytes, definition_id: str, version: int) -> Key:
    started_ms = int.from_bytes(instance[:6], "big")
    return Key(partition_of(instance), definition_id, version, started_ms // HOUR_MS)


def build(items: Sequence[InstanceEvent]) -> Rollup:
    """What the events add.  Raises ``msgspec.ValidationError`` for data that is not its event type's."""
    rollup = Rollup()
    for item in items:
        instance, event = item
        if (transition := TRANSITIONS.get(event.type)) is None:
            continue
        if event.type in SEVERAL:
            data = _decode(event.data)
            if data.was is None:
                rollup.untold.append(item)
            else:
                _several(rollup, item, data.was, data.to_version)
            continue
        before, after = transition
        row = rollup.row(_key(instance, event.definition_id, event.definition_version))
        if before is not None:
            row.add(before, -1)
        if after is not None:
            row.add(after, 1)
        if after == "completed":
            row.completed(max(0, instant_ms(event.time) - int.from_bytes(instance[:6], "big")))
    return rollup


def _several(rollup: Rollup, item: InstanceEvent, was: str, to_version: int) -> None:
    instance, event = item
    rollup.row(_key(instance, event.definition_id, event.definition_version)).add(was, -1)
    version = to_version if event.type == "migrated" else event.definition_version
    after = TRANSITIONS[event.type][1] or was
    rollup.row(_key(instance, event.definition_id, version)).add(after, 1)


_UPSERT = f"""
    INSERT INTO process_rollups AS old (
        partition, definition_id, definition_version, hour, {", ".join(STATUSES)}, duration_ms, durations,
        duration_counts)
    SELECT partition, definition_id, definition_version, hour, {", ".join(STATUSES)}, duration_ms, durations::bigint[],
           duration_counts::int[]
    FROM unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::int[], $6::int[], $7::int[], $8::int[],
                $9::int[], $10::int[], $11::bigint[], $12::text[], $13::text[])
        AS new (partition, definition_id, definition_version, hour, {", ".join(STATUSES)}, duration_ms, durations,
                duration_counts)
    ON CONFLICT (partition, definition_id, definition_version, hour) DO UPDATE SET
        {", ".join(f"{status} = old.{status} + excluded.{status}" for status in STATUSES)},
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
    keys, deltas = list(rollup.rows), list(rollup.rows.values())
    sorted_durations = [sorted(delta.durations.items()) for delta in deltas]
    await connection.execute(
        _UPSERT,
        [key.partition for key in keys],
        [key.definition_id for key in keys],
        [key.definition_version for key in keys],
        [instant(key.hour * HOUR_MS) for key in keys],
        *([delta.counts.get(status, 0) for delta in deltas] for status in STATUSES),
        [delta.duration_ms for delta in deltas],
        [_array(ms for ms, _ in one) for one in sorted_durations],
        [_array(count for _, count in one) for one in sorted_durations],
    )


def _array(numbers: Iterable[int]) -> str:
    """An array as text: they differ in length, so no array of arrays."""
    return "{" + ",".join(map(str, numbers)) + "}"


TABLE = Table("process_rollups", "projected", Projection("events", build, write))
