"""A benchmark's figure counts only when nothing was lost: what ``Load`` and ``Rows`` refuse."""

import uuid
from types import SimpleNamespace

import asyncpg
import pytest

from benchmarks.load import Load, LostError
from benchmarks.rows import rows, started_at
from benchmarks.workload import percentile
from streams.core import ids
from weir.database import bring_up_to_date

NOW_MS = 1_790_000_000_000


def make_id(cause: str) -> str:
    return ids.instance_id(NOW_MS, 0, cause)


def plant(database_url: str = ""):
    topics = SimpleNamespace(partitions=4, events=SimpleNamespace(name="events"))
    return SimpleNamespace(settings=SimpleNamespace(database_url=database_url), topics=topics)


def event(kind: bytes, instance: str):
    return SimpleNamespace(key=instance.encode(), value=b"{}", headers=[("ce_type", kind)])


def loaded(*instances: str) -> Load:
    load = Load(plant())
    load.open = {instance.encode(): 0.0 for instance in instances}
    load.key_of = {instance.encode(): "key" for instance in instances}
    return load


def test_an_instance_completes_once():
    load = loaded(make_id("a"), make_id("b"))
    assert load._take(event(b"started", make_id("a"))) is False
    assert load._take(event(b"completed", make_id("a"))) is True
    assert load.open.keys() == {make_id("b").encode()}
    assert load.events == 2
    with pytest.raises(LostError, match="twice"):
        load._take(event(b"completed", make_id("a")))


@pytest.mark.parametrize("kind", [b"failed", b"cancelled", b"activity_failed"])
def test_an_instance_that_does_not_complete_is_an_error(kind):
    with pytest.raises(LostError, match=kind.decode()):
        loaded(make_id("a"))._take(event(kind, make_id("a")))


def test_keys_live_in_the_partition_they_are_asked_for():
    load = Load(plant())
    keys = [load._key(partition) for partition in (3, 0, 3, 1, 2)]
    assert [ids.partition_for(key, 4) for key in keys] == [3, 0, 3, 1, 2]
    assert len(set(keys)) == 5
    assert load.evenly(6) == {0: 2, 1: 2, 2: 1, 3: 1}


def test_percentile():
    assert percentile([], 0.5) is None
    assert percentile(range(100), 0.5) == 50
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


INSERT_INSTANCE = """
    INSERT INTO process_instances (id, definition_id, definition_version, status, last_seq, started_at, updated_at)
    VALUES ($1, 'bench', 1, 'completed', $2, $3, $3)
"""
INSERT_HISTORY = """
    INSERT INTO process_history (instance_id, seq, timestamp, event_type, definition_id, definition_version, cause)
    VALUES ($1, $2, $3, 'started', 'bench', 1, '0:0')
"""


async def insert(connection: asyncpg.Connection, instance: str, last_seq: int, seqs: range | list[int]) -> None:
    await connection.execute(INSERT_INSTANCE, uuid.UUID(instance), last_seq, started_at(instance))
    for seq in seqs:
        await connection.execute(INSERT_HISTORY, uuid.UUID(instance), seq, started_at(instance))


@pytest.mark.parametrize(
    ("events", "last_seq", "seqs"),
    [
        (6, 3, [1, 2]),  # a row of history is missing, and the last event said so
        (5, 2, [1, 3]),  # a gap
        (5, 3, [1, 2]),  # the instance has seen more than its history
        (6, 3, [1, 2, 4]),  # as many rows as events, others
        (5, 3, [1, 2, 3]),  # a row too many
        (3, 3, []),  # an instance without history
    ],
)
async def test_rows_that_are_not_what_happened_are_an_error(settings, events, last_seq, seqs):
    await bring_up_to_date(settings)
    connection = await asyncpg.connect(settings.database_url)
    async with rows(plant(settings.database_url)) as table:
        await insert(connection, make_id("whole"), 3, range(1, 4))
        await table.check(3, {"completed": 1, "running": 0})
        assert await table.completed(make_id("whole")) > 0
        await insert(connection, make_id("broken"), last_seq, seqs)
        with pytest.raises(LostError):
            await table.check(events, {"completed": 2})
        with pytest.raises(LostError):
            await table.completed(make_id("absent"), deadline_s=0.05)
    await connection.close()
