"""Exactly once by content, whatever happens to the projector or to the database in between."""

import asyncio
import json
import os
import random
import signal
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from projections.errors import NotOwnerError
from streams.transport.port import TopicPartition
from tests.forking import Forked
from tests.projections.conftest import World
from tests.projections.crash_worker import POINTS, main
from tests.projections.story import EVENTS, T0, batch, cooling, numbered
from weir.stack.stack import Stack

STORIES = [cooling(f"cause {n}", device=f"hp-{n % 7}", started_ms=T0 + 60_000 * n) for n in range(60)]
# Interleaved, as a partition has them: the first event of all instances, the second of all …
VALUES = [value for values in zip(*(story.values for story in STORIES), strict=True) for value in values]
RECORDS = numbered(VALUES)
NewWorld = Callable[..., Any]


@pytest.fixture(scope="session")
def records_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("projections") / "records.jsonl"
    path.write_text("\n".join(json.dumps([record.offset, (record.value or b"").decode()]) for record in RECORDS))
    return path


def start_worker(url: str, records: Path, *words: object, batch_size: int = 40, timeout_s: float = 30.0) -> Forked:
    log = records.with_name(f"{uuid.uuid4().hex}.log")
    return Forked(log, os.environ, main, *map(str, (url, records, batch_size, timeout_s, *words)))


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def assert_exactly_once(world: World, upto: int = len(RECORDS)) -> None:
    """Every row of every event once, with its content, and instances as their events have them."""
    assert await world.position(EVENTS) == upto
    expected = {(event.subject, event.seq, event.type, event.cause) for story in STORIES for event in story.events}
    rows = await world.rows("SELECT instance_id, seq, event_type, cause FROM process_history")
    assert len(rows) == upto
    found = {(str(row["instance_id"]), row["seq"], row["event_type"], row["cause"]) for row in rows}
    assert len(found) == upto
    assert found <= expected
    instances = await world.rows("SELECT id, status, last_seq, steps, variables FROM process_instances")
    assert len(instances) == len(STORIES)
    for row in instances:
        history = sum(str(row["id"]) == subject for subject, *_rest in found)
        assert row["last_seq"] == history
        if upto == len(RECORDS):
            assert (row["status"], row["steps"], row["variables"]["temperature"]) == ("completed", 5, 88.25)


async def test_a_worker_without_harm(world: World, records_file: Path) -> None:
    code, output = await start_worker(world.url, records_file).finish()
    assert code == 0, output
    await assert_exactly_once(world)


async def test_kill_minus_nine_at_every_point(world: World, records_file: Path) -> None:
    begins = []
    for point in POINTS:
        code, output = await start_worker(world.url, records_file, "SIGKILL", point, 1).finish()
        assert code == -signal.SIGKILL, output
        begins.append(int(output.split()[1]))
    code, output = await start_worker(world.url, records_file).finish()
    assert code == 0, output
    # One whole batch before each crash in the second; that one too, when the process died right after its commit.
    steps = [later - earlier for earlier, later in zip(begins, [*begins[1:], int(output.split()[1])], strict=True)]
    assert steps == [40, 40, 40, 40, 80]
    await assert_exactly_once(world)


async def test_kill_minus_nine_at_any_time(world: World, records_file: Path) -> None:
    dice = random.Random(3)
    worker = start_worker(world.url, records_file, batch_size=3)
    for _ in range(4):
        await until(lambda worker=worker: _has_begun(worker))
        begun = await world.position(EVENTS)

        async def moved(begun: int = begun, worker: Forked = worker) -> bool:
            return await world.position(EVENTS) > begun or worker.returncode is not None

        await until(moved)
        await asyncio.sleep(dice.uniform(0, 0.02))
        if worker.returncode is None:
            worker.kill()
        await worker.finish()
        worker = start_worker(world.url, records_file, batch_size=3)
    code, output = await worker.finish()
    assert code == 0, output
    await assert_exactly_once(world)


@pytest.mark.parametrize("point", POINTS)
async def test_a_stopped_owner_neither_blocks_its_successor_nor_writes_twice(
    world: World, new_world: NewWorld, records_file: Path, point: str
) -> None:
    """SIGSTOP in mid-transaction: the row of the position is locked until somebody ends that transaction."""
    worker = start_worker(world.url, records_file, "SIGSTOP", point, 2, timeout_s=1.0)
    await until(lambda: _is_stopped(worker.pid))
    async with new_world(statement_timeout_s=1.0) as successor:
        tp = TopicPartition(EVENTS, 0)
        position = (await successor.begin(EVENTS))[tp]
        assert position == (120 if point == "after commit" else 80)
        async with asyncio.timeout(60):
            await successor.projector.project(batch(EVENTS, RECORDS[position:600]))
        worker.send_signal(signal.SIGCONT)
        code, output = await worker.finish()
        assert code == 70, output
        assert "NotOwnerError: Expected process-events/0 at position" in output
        await successor.projector.project(batch(EVENTS, RECORDS[600:]))
    await assert_exactly_once(world)


async def _has_begun(worker: Forked) -> bool:
    return worker.log.exists() and "begin" in worker.log.read_text()


async def _is_stopped(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat").read_text()  # noqa: ASYNC240
    return status.rpartition(")")[2].split()[0] == "T"


async def test_two_workers_at_once(world: World, records_file: Path) -> None:
    workers = [start_worker(world.url, records_file, batch_size=10) for _ in range(2)]
    codes = sorted([(await worker.finish())[0] for worker in workers])
    assert codes in ([0, 0], [0, 70])  # both, when one had finished before the other began
    await assert_exactly_once(world)


async def test_a_database_that_restarts(world: World, new_world: NewWorld, running_stack: Stack) -> None:
    """It goes away while batches are projected and comes back later; the projector waits and goes on."""
    async with new_world() as other:
        await other.begin(EVENTS)

        async def project_all() -> None:
            for first in range(0, len(RECORDS), 5):
                await other.projector.project(batch(EVENTS, RECORDS[first : first + 5]))

        projecting = asyncio.create_task(project_all())
        await until(lambda: _behind(world, 50))
        try:
            await asyncio.to_thread(running_stack.stop_process, "postgres")
            assert not projecting.done()
        finally:  # the other tests need it too
            await asyncio.to_thread(running_stack.up)
        async with asyncio.timeout(60):
            await projecting
    async with new_world() as after:
        await assert_exactly_once(after)


async def _behind(world: World, position: int) -> bool:
    return await world.position(EVENTS) > position


async def test_a_running_worker_loses_its_partition_to_a_successor(world: World, new_world: NewWorld) -> None:
    """The old owner does not know that it lost the partition: its next batch tells it."""
    async with new_world() as successor:
        await world.begin(EVENTS)
        await world.projector.project(batch(EVENTS, RECORDS[:100]))
        await successor.begin(EVENTS)
        await successor.projector.project(batch(EVENTS, RECORDS[100:300]))
        with pytest.raises(NotOwnerError):
            await world.projector.project(batch(EVENTS, RECORDS[100:200]))
        await successor.projector.project(batch(EVENTS, RECORDS[300:]))
    await assert_exactly_once(world)
