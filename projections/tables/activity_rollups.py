"""``activity_rollups``: how often each activity has completed, failed and so on, why, and how long it took.

One row a partition, definition, activity, and hour in which it ENDED (that of ``process_rollups`` is the instance's
start).  An execution is what happens at one place (instance, activity, token) from ``activity_started`` to the first of

| an event of type | counts as |
|---|---|
| ``activity_completed``, ``decision_evaluated``, ``timer_fired`` | completed, with its duration |
| ``activity_failed``; ``error_caught`` that names an execution | failed, by its ``error_type`` |
| ``error_caught``, ``failed``, ``incident_created`` of an execution that has not ended | the same |
| ``activity_cancelled`` | cancelled |

and beside them ``activity_skipped`` is one skipped, ``retry_scheduled`` one attempt more.  Where an instance is
cancelled, or times out, what was under way in it is not counted.

When an execution began that the batch does not tell of the projector may remember (``recall``); else it stands in
``process_history``, and where a migration has given the activity another name meanwhile, its number finds it.
Durations are kept as those of ``process_rollups``, within 5 %.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from projections.feeds.events import InstanceEvent
from projections.tables.base import Place, Projection, Table
from projections.tables.process_rollups import HOUR_MS, Took, array, partition_of
from streams.core.decide.start_process import MAX_ID_AGE_MS
from streams.core.durations import instant, instant_ms

BEGINS = "activity_started"
COUNTS = ("completed", "failed", "cancelled", "skipped", "retries")
COMPLETED, FAILED, CANCELLED, SKIPPED, RETRIES = range(len(COUNTS))
ENDS = {
    "activity_completed": COMPLETED,
    "decision_evaluated": COMPLETED,
    "timer_fired": COMPLETED,
    "activity_failed": FAILED,
    "error_caught": FAILED,
    "failed": FAILED,
    "incident_created": FAILED,
    "activity_cancelled": CANCELLED,
}
IF_OPEN = frozenset({"error_caught", "failed", "incident_created"})
"""These end an execution only where nothing has before them."""
BESIDE = {"activity_skipped": SKIPPED, "retry_scheduled": RETRIES}
AT_A_PLACE = [BEGINS, *ENDS]
_BEGINS = -1
_MEANS = {BEGINS: _BEGINS, **ENDS, **BESIDE}
_MS = timedelta(milliseconds=1)
_EARLIER = datetime.min.replace(tzinfo=UTC)
"""Stands for when something began that this batch does not tell of."""

Key = tuple[int, str, str, int]
"""Of a row: partition, definition, activity, hour from 1970."""


class Delta(Took):
    """What a batch adds to a row: ``counts`` as ``COUNTS``, ``durations`` of ``rounded`` ms, ``errors`` by type."""

    __slots__ = ("counts", "errors")

    def __init__(self) -> None:
        super().__init__()
        self.counts = [0] * len(COUNTS)
        self.errors: dict[str, int] = {}

    def failed(self, error_type: str) -> None:
        """One has failed."""
        self.counts[FAILED] += 1
        self.errors[error_type] = self.errors.get(error_type, 0) + 1


class Ended(msgspec.Struct):
    """What the end of an execution may tell of it."""

    error_type: str = "timeout"
    execution: int | None = None


class Unseen(NamedTuple):
    """The end of an execution whose beginning, if it has one, an earlier batch told of.

    ``is_first``: the batch tells of nothing at its place before it.
    """

    row: Delta
    item: InstanceEvent
    told: Ended
    is_first: bool

    @property
    def place(self) -> Place:
        return self.item.instance, self.item.event.activity_id, self.item.event.token

    def began(self, since: datetime) -> None:
        """Add it to its row."""
        if ENDS[self.item.event.type] == COMPLETED:
            self.row.took((self.item.event.time - since) // _MS)
        else:
            self.row.failed(self.told.error_type)


class Rollup:
    """``rows`` to add, and what is to be added to them once it is known when it began."""

    def __init__(self) -> None:
        self.rows: dict[Key, Delta] = {}
        self.unseen: list[Unseen] = []


_decode = msgspec.json.Decoder(Ended).decode


def is_certain(event_type: str, told: Ended) -> bool:
    """Whether the event ends an execution whatever was before it."""
    return event_type not in IF_OPEN or (event_type == "error_caught" and told.execution is not None)


def build(items: Sequence[InstanceEvent]) -> Rollup:
    """What the events add.  Raises ``msgspec.ValidationError`` for data that is not its event type's."""
    rollup = Rollup()
    rows, means_of = rollup.rows, _MEANS.get
    under_way: dict[Place, datetime | None] = {}
    moment, hour = None, 0
    for item in items:
        instance, event = item
        means, activity_id = means_of(event.type), event.activity_id
        if means is None or activity_id is None:
            continue
        time, place = event.time, (instance, activity_id, event.token)
        if means == _BEGINS:
            under_way[place] = time
            continue
        if time != moment:  # events of one command share theirs
            moment, hour = time, instant_ms(time) // HOUR_MS
        key = (partition_of(instance), event.definition_id, activity_id, hour)
        if (row := rows.get(key)) is None:
            row = rows[key] = Delta()
        if means >= SKIPPED:
            row.counts[means] += 1
        else:
            _end(rollup, row, item, means, under_way.get(place, _EARLIER))
            under_way[place] = None
    return rollup


def _end(rollup: Rollup, row: Delta, item: InstanceEvent, means: int, since: datetime | None) -> None:
    """``since``: when it began, by this batch; ``None`` where this batch has ended it already."""
    if means == FAILED:
        told = _decode(item.event.data)
        if (since is not None and since is not _EARLIER) or is_certain(item.event.type, told):
            row.failed(told.error_type)
        elif since is _EARLIER:
            rollup.unseen.append(Unseen(row, item, told, is_first=True))
        return
    row.counts[means] += 1
    if means == COMPLETED:
        if since is None or since is _EARLIER:
            rollup.unseen.append(Unseen(row, item, _decode(item.event.data), is_first=since is _EARLIER))
        else:
            row.took((item.event.time - since) // _MS)


def recall(rollup: Rollup, under_way: Mapping[Place, datetime]) -> None:
    """Settle what is remembered."""
    left = []
    for one in rollup.unseen:
        since = under_way.get(one.place) if one.is_first else None
        if since is None:
            left.append(one)
        else:
            one.began(since)
    rollup.unseen = left


_UPSERT = """
    INSERT INTO activity_rollups AS old (
        partition, definition_id, activity_id, hour, completed, failed, cancelled, skipped, retries, duration_ms,
        durations, duration_counts, error_types, error_counts)
    SELECT partition, definition_id, activity_id, hour, completed, failed, cancelled, skipped, retries, duration_ms,
           durations::bigint[], duration_counts::int[],
           ARRAY(SELECT jsonb_array_elements_text(error_types::jsonb)), error_counts::int[]
    FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::int[], $8::int[],
                $9::int[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[])
        AS new (partition, definition_id, activity_id, hour, completed, failed, cancelled, skipped, retries,
                duration_ms, durations, duration_counts, error_types, error_counts)
    ON CONFLICT (partition, definition_id, activity_id, hour) DO UPDATE SET
        completed = old.completed + excluded.completed,
        failed = old.failed + excluded.failed,
        cancelled = old.cancelled + excluded.cancelled,
        skipped = old.skipped + excluded.skipped,
        retries = old.retries + excluded.retries,
        duration_ms = old.duration_ms + excluded.duration_ms,
        (durations, duration_counts) = (
            SELECT coalesce(array_agg(ms ORDER BY ms), '{}'), coalesce(array_agg(count ORDER BY ms), '{}')
            FROM (
                SELECT ms, sum(count)::int AS count
                FROM unnest(old.durations || excluded.durations, old.duration_counts || excluded.duration_counts)
                    AS each (ms, count)
                GROUP BY ms
            ) AS merged),
        (error_types, error_counts) = (
            SELECT coalesce(array_agg(type ORDER BY type COLLATE "C"), '{}'),
                   coalesce(array_agg(count ORDER BY type COLLATE "C"), '{}')
            FROM (
                SELECT type, sum(count)::int AS count
                FROM unnest(old.error_types || excluded.error_types, old.error_counts || excluded.error_counts)
                    AS each (type, count)
                GROUP BY type
            ) AS merged)
"""
# The last beginning or end at the place; where that is no beginning, the beginning of the same number.
_SINCE = """
    SELECT CASE WHEN last.event_type = 'activity_started' THEN last.timestamp ELSE numbered.timestamp END AS since
    FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::int[])
        WITH ORDINALITY AS one (instance_id, seq, began, ended, activity_id, token, execution, n)
    LEFT JOIN LATERAL (
        SELECT event_type, timestamp FROM process_history AS h
        WHERE h.instance_id = one.instance_id AND h.seq < one.seq AND h.timestamp BETWEEN one.began AND one.ended
          AND h.timestamp BETWEEN $8 AND $9 AND h.activity_id = one.activity_id
          AND h.token IS NOT DISTINCT FROM one.token AND h.event_type = ANY ($10::text[])
        ORDER BY h.seq DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT timestamp FROM process_history AS h
        WHERE last.event_type IS DISTINCT FROM 'activity_started' AND one.execution IS NOT NULL
          AND h.instance_id = one.instance_id AND h.seq < one.seq AND h.timestamp BETWEEN one.began AND one.ended
          AND h.timestamp BETWEEN $8 AND $9 AND h.event_type = 'activity_started'
          AND (h.data ->> 'execution')::int = one.execution
        LIMIT 1
    ) AS numbered ON true
    ORDER BY one.n
"""


async def write(connection: asyncpg.Connection, rollup: Rollup) -> None:
    """Add to the rows.  ``process_history`` has the batch's events already."""
    if rollup.unseen:
        await _look_up(connection, rollup.unseen)
        rollup.unseen = []
    rows = {key: delta for key, delta in rollup.rows.items() if any(delta.counts)}
    if not rows:
        return
    keys, deltas = list(rows), list(rows.values())
    durations = [sorted(delta.durations.items()) for delta in deltas]
    errors = [sorted(delta.errors.items()) for delta in deltas]
    await connection.execute(
        _UPSERT,
        [partition for partition, _, _, _ in keys],
        [definition_id for _, definition_id, _, _ in keys],
        [activity_id for _, _, activity_id, _ in keys],
        [instant(hour * HOUR_MS) for _, _, _, hour in keys],
        *([delta.counts[at] for delta in deltas] for at in range(len(COUNTS))),
        [delta.duration_ms for delta in deltas],
        [array(ms for ms, _ in one) for one in durations],
        [array(count for _, count in one) for one in durations],
        [msgspec.json.encode([type_ for type_, _ in one]).decode() for one in errors],
        [array(count for _, count in one) for one in errors],
    )


async def _look_up(connection: asyncpg.Connection, unseen: Sequence[Unseen]) -> None:
    # An id that a caller has made may be ahead of the first event.
    began = [instant(int.from_bytes(one.item.instance[:6], "big") - MAX_ID_AGE_MS) for one in unseen]
    events = [one.item.event for one in unseen]
    ended = [event.time for event in events]
    found = await connection.fetch(
        _SINCE,
        [UUID(bytes=one.item.instance) for one in unseen],
        [event.seq for event in events],
        began,
        ended,
        [event.activity_id for event in events],
        [event.token for event in events],
        [None if event.type in IF_OPEN else one.told.execution for event, one in zip(events, unseen, strict=True)],
        min(began),
        max(ended),
        AT_A_PLACE,
    )
    for one, begun in zip(unseen, found, strict=True):
        if (since := begun["since"]) is not None:
            one.began(since)


TABLE = Table("activity_rollups", "projected", Projection("events", build, write, recall))
