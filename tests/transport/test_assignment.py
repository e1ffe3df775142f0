"""What a member does with its partitions when rebalances, recoveries and its own end overtake one another."""

import asyncio

import pytest

from streams.transport.assignment import Assignment
from streams.transport.memory import MemoryEnds, MemoryOffsets, MemoryReader, MemoryWriter
from streams.transport.options import TransportOptions
from streams.transport.port import Chunk, TopicPartition
from streams.transport.positions import ExternalPositions
from streams.transport.source import Source
from tests.transport.harness import until
from tests.transport.simulation import CHANGELOG, GROUP, IN, OUT, ProcessEnded, Simulation, fold

MINE = [IN, CHANGELOG]


class Member:
    """``assignment.Member`` over the simulated broker; ``gate`` holds up the opening of writers."""

    def __init__(self, broker) -> None:
        self.broker, self._reader = broker, MemoryReader(broker)
        self.gate, self.opening = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def open_reader(self):
        return self._reader

    def offsets(self):
        return MemoryOffsets(self.broker, GROUP)

    async def open_writer(self, tp):
        self.opening.set()
        await self.gate.wait()
        return MemoryWriter(self.broker, f"{tp.topic}-{tp.partition}", GROUP)

    async def open_ends(self, tps):
        return MemoryEnds(self.broker)

    async def commit_offsets(self, offsets):
        self.broker.groups.setdefault(GROUP, {}).update(offsets)


@pytest.fixture
async def worker():
    """A process with an assignment instead of a single lane."""
    worker = Simulation()
    worker.member = Member(worker.broker)
    worker.held = Assignment({"in": worker.source}, worker.member, worker.options, worker.counters, worker.fatal)
    yield worker
    for lane in worker.held.lanes.values():
        lane._task.cancel()
        await asyncio.wait([lane._task])


def recover(worker):
    worker.table.contents.begin(0, 0)
    at = worker.table.contents.position[0]
    records, end = worker.broker.log(CHANGELOG).read(at, 10**9)
    worker.table.contents.apply_chunk(Chunk(CHANGELOG, at, records, end, end))


async def take(worker, generation):
    """Be assigned the partition, recover, start."""
    await worker.held.assigned(MINE, generation)
    recover(worker)
    await worker.held.recovered(MINE)


async def test_a_recovery_that_ends_while_the_next_assignment_is_prepared_starts_nothing(worker):
    await worker.held.assigned(MINE, 1)
    await worker.held.revoked()
    worker.member.opening.clear()
    worker.member.gate.clear()
    assigning = asyncio.create_task(worker.held.assigned(MINE, 3))
    await asyncio.wait_for(worker.member.opening.wait(), 10)
    await worker.held.recovered(MINE)  # of the first assignment
    assert worker.held.lanes == {}
    worker.member.gate.set()
    await assigning
    recover(worker)
    await worker.held.recovered(MINE)
    assert set(worker.held.lanes) == {IN}
    worker.feed("a")
    batch = await worker.next_batch(worker.source.batches())
    async with batch.transaction() as txn:
        fold(batch, txn)
    assert worker.values(OUT) == ["1:a"]


async def test_a_partition_that_goes_while_its_hook_runs_is_given_up_by_the_other_hook(worker):
    told, go_on = [], asyncio.Event()

    async def assigned(partition):
        told.append(("assigned", partition))
        await go_on.wait()

    worker.source._on_assigned = assigned
    worker.source._on_revoked = lambda partition: told.append(("revoked", partition))
    starting = asyncio.create_task(take(worker, 1))
    await until(lambda: told == [("assigned", 0)])
    await worker.held.revoked()
    go_on.set()
    await starting
    assert told == [("assigned", 0), ("revoked", 0)]
    assert not worker.held.lanes


async def test_a_revocation_in_the_middle_of_a_drain_waits_for_the_running_batch(worker):
    await take(worker, 1)
    worker.feed("a")
    batches = worker.source.batches()
    batch = await worker.next_batch(batches)
    draining = asyncio.create_task(worker.held.drain())
    await until(lambda: not worker.held.lanes)
    revoking = asyncio.create_task(worker.held.revoked())
    await asyncio.wait([revoking], timeout=0.05)
    assert not revoking.done(), "the partition is given away while its batch is running"
    async with batch.transaction() as txn:
        fold(batch, txn)
    ending = asyncio.create_task(anext(batches))
    await asyncio.wait_for(asyncio.gather(draining, revoking), 10)
    ending.cancel()


async def test_a_process_that_is_being_stopped_starts_no_lane(worker):
    await take(worker, 1)
    await worker.held.drain()
    await take(worker, 2)
    assert worker.held.lanes == {}


async def test_a_drain_does_not_wait_for_a_batch_that_does_not_end(worker, caplog):
    worker.held._options = TransportOptions(client={}, shutdown_timeout_s=0.05)
    await take(worker, 1)
    worker.feed("a")
    batches = worker.source.batches()
    batch = await worker.next_batch(batches)
    await asyncio.wait_for(worker.held.drain(), 10)
    assert "left to whoever comes next" in caplog.text
    async with batch.transaction() as txn:
        fold(batch, txn)
    assert worker.values(OUT) == [], "a batch that did not begin to commit in time is the next owner's"
    ending = asyncio.create_task(anext(batches))
    await asyncio.wait_for(worker.held.revoked(), 10)
    ending.cancel()


async def test_a_cancelled_revocation_does_not_leave_a_batch_behind(worker):
    await take(worker, 1)
    worker.feed("a")
    batches = worker.source.batches()
    batch = await worker.next_batch(batches)
    revoking = asyncio.create_task(worker.held.revoked())
    await until(lambda: not worker.held.lanes)
    revoking.cancel()
    await asyncio.wait([revoking])
    again = asyncio.create_task(worker.held.revoked())
    await asyncio.wait([again], timeout=0.05)
    assert not again.done()
    async with batch.transaction() as txn:
        fold(batch, txn)
    ending = asyncio.create_task(anext(batches))
    await asyncio.wait_for(again, 10)
    ending.cancel()


async def test_contents_stay_from_one_generation_to_the_next(worker):
    await take(worker, 1)
    worker.table.contents.parts[0][b"k"] = b"1"
    await worker.held.revoked()
    await worker.held.assigned(MINE, 2)
    assert worker.table.contents.parts[0] == {b"k": b"1"}


@pytest.mark.parametrize("generations", [[3], [2, 3]])
async def test_contents_go_when_a_generation_was_missed_or_spent_without_the_partition(worker, generations):
    """Another owner may have deleted keys, and compaction the tombstones that tell of it."""
    await take(worker, 1)
    worker.table.contents.parts[0][b"deleted by another owner"] = b"1"
    worker.table.contents.position[0] = 5
    for generation in generations[:-1]:
        await worker.held.revoked()
        await worker.held.assigned([], generation)
    await worker.held.revoked()
    await worker.held.assigned(MINE, generations[-1])
    assert (worker.table.contents.parts, worker.table.contents.position) == ({}, {})


async def test_a_lane_does_not_start_on_a_table_whose_recovery_was_not_begun(worker):
    """It would carry out every command again, on nothing."""
    await worker.held.assigned(MINE, 1)
    with pytest.raises(ProcessEnded, match=r"Expected changelog\[0\] to be recovered, but its reading was not begun"):
        await worker.held.recovered(MINE)
    assert worker.held.lanes == {}


async def test_a_lane_whose_table_is_forgotten_ends_the_process(worker):
    await take(worker, 1)
    worker.feed("a")
    batch = await worker.next_batch(worker.source.batches())
    worker.table.contents.keep_only(())
    with pytest.raises(ProcessEnded, match="has forgotten the partition"):
        async with batch.transaction() as txn:
            fold(batch, txn)
    assert worker.table.contents.parts == {}


async def test_positions_that_are_one_object_are_asked_for_once(worker):
    """Each asking may open clients: one for each of a dozen topics took longer than a session."""
    asked = []

    async def read(tps):
        asked.append(sorted(tps))
        return dict.fromkeys(tps, 0)

    shared = ExternalPositions(read)
    sources = {name: Source(name, shared, TransportOptions(client={}), worker.counters) for name in ("a", "b")}
    tps = [TopicPartition(*tp) for tp in (("a", 0), ("b", 0), ("b", 1), ("other", 0))]
    for name in sources:
        worker.broker.create_topic(name, 2)
    held = Assignment(sources, worker.member, worker.options, worker.counters, worker.fatal)
    await held.assigned(tps, 1)
    await held.recovered(tps)
    assert asked == [tps[:3]]
    assert held.lanes.keys() == set(tps[:3])
    await held.drain()
