"""A lane over the simulated broker: what an agent sees, what is written, and what ends the process."""

import asyncio
import contextlib
import time
from typing import ClassVar

import pytest

from streams.transport import positions as positions_module
from streams.transport.batch import RecordTooLargeError
from streams.transport.contents import position_key
from streams.transport.lane import Lane
from streams.transport.memory import MemoryBroker, MemoryOffsets, MemoryReader, MemoryTable
from streams.transport.options import Counters, TransportOptions
from streams.transport.port import Chunk, TopicPartition
from streams.transport.positions import ExternalPositions, GroupPositions, Start, TablePositions
from streams.transport.source import Source
from tests.transport.harness import message, until

DEADLINE_S = 5.0
IN, OUT = TopicPartition("in", 0), TopicPartition("out", 0)
CHANGELOG = TopicPartition("changelog", 0)
GROUP = "group"


class ProcessEnded(BaseException):
    """Stands for the exit of the process; a BaseException, since nothing may catch it."""


class Simulation:
    """A process with one lane; another one on the same ``broker`` is its successor."""

    running: ClassVar[list["Simulation"]] = []

    def __init__(self, kind="table", broker=None, **options):
        self.broker = broker or MemoryBroker()
        if broker is None:
            for topic in ("in", "out", "changelog"):
                self.broker.create_topic(topic, 2)
        self.kind, self.deaths, self.counters = kind, asyncio.Queue(), Counters()
        self.table = MemoryTable("changelog")
        self.positions = {
            "table": TablePositions(self.table),
            "group": GroupPositions(missing="latest"),
            "stored": GroupPositions(missing="fatal", transactional=False),
        }.get(kind, kind)
        self.options = TransportOptions(client={}, **{"offsets_every_s": 0.05, "idle_offsets_every_s": 0.05, **options})
        self.wake = None
        self.source = Source(
            "in", self.positions, self.options, self.counters, fatal=self.fatal, wake_at=lambda _: self.wake
        )
        self.lane = None
        Simulation.running.append(self)

    def fatal(self, message, error=None):
        self.deaths.put_nowait((message, error))
        raise ProcessEnded(message)

    async def start(self):
        reader = MemoryReader(self.broker)
        writer = self.broker.open_writer("id", GROUP)
        records, end = self.broker.log(CHANGELOG).read(0, 10**9)
        self.table.contents.apply_chunk(Chunk(CHANGELOG, 0, records, end, end))
        starts = await positions_module.start(
            self.positions, [IN], MemoryOffsets(self.broker, GROUP), self.counters, self.fatal
        )
        await reader.seek(IN, starts[IN].position)
        self.lane = Lane(self.source, IN, starts[IN], reader, writer)
        self.lane.begin()
        return self

    def feed(self, *values):
        self.broker.append(IN, [message(b"k", value.encode()) for value in values])

    def values(self, tp):
        return [record.value.decode() for record in self.broker.log(tp).read(0, 10**9)[0]]

    async def next_batch(self, batches):
        async with asyncio.timeout(DEADLINE_S):
            return await anext(batches)

    async def death(self):
        async with asyncio.timeout(DEADLINE_S):
            return await self.deaths.get()

    async def close(self):
        if self.lane is not None and self.lane._task is not None:
            self.lane._task.cancel()
            await asyncio.wait([self.lane._task])
            if not self.lane._task.cancelled() and self.lane._task.exception() is not None:
                assert isinstance(self.lane._task.exception(), ProcessEnded)


@pytest.fixture(autouse=True)
async def _end_lanes():
    yield
    for simulation in Simulation.running:
        await simulation.close()
    Simulation.running.clear()


@contextlib.asynccontextmanager
async def agent(simulation, body, max_records=1000):
    """Run ``body(batch, txn)`` on every batch, as a Faust agent would."""
    seen = []

    async def work():
        async for batch in simulation.source.batches(max_records):
            seen.append((batch.start, batch.end, [r.value.decode() for r in batch.records], batch.attempt))
            async with batch.transaction() as txn:
                body(batch, txn)

    task = asyncio.create_task(work())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ProcessEnded):
            await task


def fold(batch, txn):
    for record in batch.records:
        count = int(txn.get(record.key, b"0")) + 1
        txn[record.key] = b"%d" % count
        txn.send("out", 0, record.key, b"%d:%s" % (count, record.value))


async def test_state_output_and_position_are_written_together():
    s = await Simulation().start()
    s.feed("a", "b")
    async with agent(s, fold) as seen:
        await until(lambda: s.lane.position == 2)
        s.feed("c")
        await until(lambda: s.lane.position == 3)
    assert seen == [(0, 2, ["a", "b"], 1), (2, 3, ["c"], 1)]
    assert s.values(OUT) == ["1:a", "2:b", "3:c"]
    assert s.table.contents.parts[0] == {b"k": b"3", position_key("in"): b"3"}
    assert s.counters.transactions == 2
    assert (s.counters.batches, s.counters.records) == (2, 3)
    successor = await Simulation(broker=s.broker).start()
    assert successor.table.contents.parts == s.table.contents.parts, "the table is the fold of its changelog"
    assert successor.lane.position == 3


async def test_a_transaction_sees_its_own_writes_and_only_them():
    s = await Simulation().start()
    s.table.contents.parts[0] = {b"old": b"1", b"gone": b"2"}
    s.feed("x")
    batch = await s.next_batch(s.source.batches())
    txn = batch.transaction()
    del txn[b"gone"]
    txn[b"new"] = b"3"
    assert (txn[b"old"], txn.get(b"gone"), txn.get(b"none", b"d"), txn[b"new"]) == (b"1", None, b"d", b"3")
    assert b"old" in txn
    assert b"gone" not in txn
    with pytest.raises(KeyError):
        txn[b"gone"]
    assert s.table.contents.parts[0] == {b"old": b"1", b"gone": b"2"}, "nothing changes before the commit"


async def test_a_failing_body_leaves_nothing_and_runs_once_more():
    s = await Simulation().start()
    s.feed("a", "b")

    def body(batch, txn):
        fold(batch, txn)
        if batch.attempt == 1:
            raise RuntimeError("first attempt")

    async with agent(s, body) as seen:
        await until(lambda: s.lane.position == 2)
    assert [attempt for *_, attempt in seen] == [1, 2]
    assert s.values(OUT) == ["1:a", "2:b"]
    assert s.counters.reruns == 1


async def test_a_body_that_fails_twice_ends_the_process():
    s = await Simulation().start()
    s.feed("a")

    def body(batch, txn):
        fold(batch, txn)
        raise RuntimeError("every attempt")

    async with agent(s, body):
        message, error = await s.death()
    assert "the body failed twice on in[0] [0, 1)" in message
    assert str(error) == "every attempt"
    assert s.values(OUT) == []
    assert s.values(CHANGELOG) == []


async def test_a_batch_without_a_transaction_ends_the_process():
    s = await Simulation().start()
    s.feed("a")

    async def work():
        async for _ in s.source.batches():
            pass

    task = asyncio.create_task(work())
    message, _ = await s.death()
    assert "use 'async with batch.transaction()'" in message
    with pytest.raises(ProcessEnded):
        await task


async def test_what_is_refused_is_rerun_so_that_the_agent_can_isolate_it():
    s = await Simulation().start()
    s.feed("a", "b")

    def body(batch, txn):
        for record in batch.records:
            if batch.attempt == 1 or record.value != b"b":
                txn.send("out", 0, record.key, record.value if record.value != b"b" else "not bytes")

    async with agent(s, body):
        await until(lambda: s.lane.position == 2)
    assert s.values(OUT) == ["a"]


async def test_a_record_that_is_too_large_is_refused_in_send():
    s = await Simulation(max_record_bytes=1000, topic_max_record_bytes={"roomy": 3000}).start()
    s.feed("a")
    txn = (await s.next_batch(s.source.batches())).transaction()
    with pytest.raises(RecordTooLargeError, match="Expected a record for out of at most 872 bytes, but got 901"):
        txn.send("out", 0, b"k", b"x" * 900)
    with pytest.raises(RecordTooLargeError):
        txn.send("out", 0, b"k", b"x" * 800, [("h", b"y" * 100)])
    with pytest.raises(RecordTooLargeError):
        txn[b"k"] = b"x" * 900
    txn.send("roomy", 0, b"k", b"x" * 900)


async def test_batches_that_write_nothing_make_no_transactions_but_keep_the_position():
    s = await Simulation(offsets_every_s=0.2).start()
    async with agent(s, lambda batch, txn: None):
        for i in range(20):
            s.feed(str(i))
            await until(lambda i=i: s.lane.position == i + 1)
        assert s.counters.transactions <= 2
        await until(lambda: s.table.contents.input_position(IN) == 20)
    assert s.counters.transactions <= 3
    s.feed("last")
    async with agent(s, lambda batch, txn: None):
        await until(lambda: s.lane.position == 21)
        await s.lane.stop()
    assert s.table.contents.input_position(IN) == 21, "stopping writes it"


async def test_group_positions_commit_with_the_output():
    s = Simulation("group", idle_offsets_every_s=60.0)
    s.feed("before")
    await s.start()
    async with agent(s, lambda batch, txn: txn.send("out", 0, b"k", batch.records[-1].value)):
        s.feed("a")
        await until(lambda: s.broker.groups.get(GROUP) == {IN: 2})
    assert s.values(OUT) == ["a"]
    assert s.counters.transactions == 2, "the start at the latest is written before anything is read"
    assert s.counters.missing_offsets == 1


async def test_group_positions_without_output_are_committed_after_a_while_and_on_stop():
    s = await Simulation("group", idle_offsets_every_s=0.1).start()
    await until(lambda: s.broker.groups.get(GROUP) == {IN: 0})
    async with agent(s, lambda batch, txn: None):
        s.feed("a")
        await until(lambda: s.broker.groups[GROUP] == {IN: 1})
        s.feed("b")
        await until(lambda: s.lane.position == 2)
        await s.lane.stop()
    assert s.broker.groups[GROUP] == {IN: 2}
    assert s.values(OUT) == []


async def test_a_missing_group_offset_starts_at_the_latest_with_an_alarm_or_ends_the_process(caplog):
    s = Simulation("group")
    s.feed("old")
    await s.start()
    assert s.lane.position == 1
    assert s.counters.missing_offsets == 1
    assert "Expected a committed group offset for in[0], but the group has none." in caplog.text
    strict = Simulation("stored", broker=s.broker)
    strict.broker.groups.clear()
    with pytest.raises(ProcessEnded, match=r"set the group's offset for in\[0\]"):
        await strict.start()


async def test_where_nothing_was_ever_written_there_is_nothing_to_miss():
    s = await Simulation("group").start()
    assert (s.lane.position, s.counters.missing_offsets) == (0, 0)
    await until(lambda: s.broker.groups == {GROUP: {IN: 0}})
    assert (await Simulation("stored", broker=s.broker).start()).lane.position == 0


async def test_a_group_offset_that_the_log_no_longer_holds_counts_as_missing():
    s = Simulation("group")
    s.feed(*"abcdef")
    s.broker.groups[GROUP] = {IN: 2}
    s.broker.delete_records(IN, 4)
    await s.start()
    assert (s.lane.position, s.counters.missing_offsets) == (6, 1)


@pytest.mark.parametrize(
    ("position", "words"), [(2, "begins at 4: 2 offsets are gone"), (9, "ends at 6: the topic was recreated")]
)
async def test_a_position_outside_of_the_log_ends_the_process(position, words):
    s = Simulation()
    s.feed(*"abcdef")
    s.broker.delete_records(IN, 4)
    s.broker.append(CHANGELOG, [message(position_key("in"), b"%d" % position)])
    with pytest.raises(ProcessEnded, match=words):
        await s.start()


async def test_records_that_vanish_while_running_end_the_process():
    s = await Simulation().start()
    s.feed("a")
    async with agent(s, fold):
        await until(lambda: s.lane.position == 1)
        s.broker.log(IN).entries.extend([s.broker.log(IN).entries[0]] * 2)  # appended, and gone before they are read
        s.broker.delete_records(IN, 3)
        s.feed("b")
        message, _ = await s.death()
    assert "Expected records from offset 1, but the broker gave [3, 4)" in message


async def test_the_older_of_two_processes_is_fenced():
    s = await Simulation().start()
    successor = await Simulation(broker=s.broker).start()
    s.feed("a")
    async with agent(s, fold):
        message, _ = await s.death()
    assert "another process owns this partition now (fenced)" in message
    async with agent(successor, fold):
        await until(lambda: successor.lane.position == 1)
    assert s.values(OUT) == ["1:a"]


async def test_external_positions_only_guard_the_body():
    asked = []

    async def read(tps):
        asked.extend(tps)
        return {IN: 2}

    s = Simulation(ExternalPositions(read))
    s.feed(*"abcd")
    await s.start()
    with pytest.raises(TypeError, match="writes nothing to Kafka"):
        (await s.next_batch(s.source.batches())).transaction().send("out", 0, None, b"x")
    s.lane._task.cancel()
    s = Simulation(ExternalPositions(read), broker=s.broker)
    await s.start()
    async with agent(s, lambda batch, txn: None) as seen:
        await until(lambda: s.lane.position == 4)
    assert seen == [(2, 4, ["c", "d"], 1)]
    assert s.counters.transactions == 0
    with pytest.raises(TypeError, match="Expected in to have GroupPositions"):
        s.source.store_offset(IN, 3)


async def test_stored_offsets_are_taken_once_and_can_be_put_back():
    s = Simulation("stored")
    s.source.store_offset(IN, 3)
    s.source.store_offset(IN, 5)
    taken = s.source.take_stored()
    assert (taken, s.source.take_stored()) == ({IN: 5}, {})
    s.source.store_offset(IN, 6)
    s.source.restore(taken)
    assert s.source.take_stored() == {IN: 6}, "the newer one stays"


async def test_a_due_timer_gets_a_batch_without_records():
    s = await Simulation().start()
    s.feed("a")
    fired = []

    def body(batch, txn):
        fold(batch, txn)
        if not batch.records:
            fired.append((time.time(), batch.start, batch.end, batch.caught_up))
            s.wake = None
            txn[b"timer"] = b"fired"

    async with agent(s, body):
        await until(lambda: s.lane.position == 1)
        s.wake = due = time.time() + 0.15
        s.feed("b")  # wake_at is asked after every batch
        await until(lambda: fired)
        await until(lambda: s.table.contents.parts[0].get(b"timer"))
        s.feed("c")
        await until(lambda: s.lane.position == 3)
    at, *where = fired[0]
    assert 0 <= at - due < 0.1
    assert where == [2, 2, True]
    assert len(fired) == 1
    assert s.table.contents.parts[0] == {b"k": b"3", b"timer": b"fired", position_key("in"): b"3"}


async def test_commands_that_lie_behind_the_position_go_before_a_due_timer():
    s = Simulation()
    s.wake = time.time() - 10
    s.feed("a")
    await s.start()
    batches = s.source.batches(max_records=1)
    first = await s.next_batch(batches)
    assert [r.value for r in first.records] == [b"a"]
    s.feed("b")
    async with first.transaction():
        pass
    second = await s.next_batch(batches)
    assert [r.value for r in second.records] == [b"b"]
    async with second.transaction():
        pass
    assert (await s.next_batch(batches)).records == ()


async def test_a_timer_that_writes_nothing_makes_no_transaction():
    s = await Simulation().start()
    s.wake = time.time()
    batch = await s.next_batch(s.source.batches())
    s.wake = None
    async with batch.transaction():
        pass
    assert (batch.start, batch.end, s.counters.transactions) == (0, 0, 0)


async def test_caught_up_is_false_while_more_is_known():
    s = Simulation()
    s.feed("a", "b", "c")
    await s.start()
    batches, seen = s.source.batches(max_records=2), []
    s.source.max_records = 2
    for _ in range(2):
        batch = await s.next_batch(batches)
        seen.append((len(batch.records), batch.caught_up))
        async with batch.transaction():
            pass
    assert sum(n for n, _ in seen) == 3
    assert seen[-1][1]


async def test_a_batch_that_hangs_ends_the_process():
    s = await Simulation(batch_timeout_s=0.1).start()
    s.feed("a")
    await s.next_batch(s.source.batches())
    message, _ = await s.death()
    assert "batch in[0] [0, 1) was not done within batch_timeout_s=0.1" in message


async def test_stop_waits_for_the_running_batch_and_drops_the_queued_one():
    s = await Simulation().start()
    s.feed("a")
    batches = s.source.batches()
    running = await s.next_batch(batches)
    s.feed("b")
    txn = running.transaction()
    fold(running, txn)
    stopping = asyncio.create_task(s.lane.stop())
    await asyncio.sleep(0.02)
    assert not stopping.done()
    async with txn:  # revoked before the commit began: the successor does this batch
        pass
    waiting = asyncio.create_task(anext(batches))
    await asyncio.wait_for(stopping, DEADLINE_S)
    waiting.cancel()
    assert (s.values(OUT), s.lane.position) == ([], 0)


async def test_a_transaction_that_is_not_confirmed_ends_the_process():
    s = await Simulation(commit_timeout_s=0.1).start()
    s.lane._writer.transact = lambda outputs, offsets: asyncio.sleep(60)
    s.feed("a")
    async with agent(s, fold):
        message, _ = await s.death()
    assert "Kafka did not confirm a transaction within commit_timeout_s=0.1" in message


async def test_status_tells_position_and_lag():
    s = Simulation()
    s.feed("a", "b")
    await s.start()
    assert (s.lane.status().position, s.lane.status().lag, s.lane.status().last_batch_at) == (0, 2, None)
    async with agent(s, fold):
        await until(lambda: s.lane.position == 2)
    status = s.lane.status()
    assert (status.topic, status.partition, status.lag) == ("in", 0, 0)
    assert abs(time.time() - status.last_batch_at) < 5


async def test_a_chain_of_fenced_processes_loses_and_repeats_nothing():
    broker, inputs = None, [str(i) for i in range(300)]
    for generation in range(5):
        s = await Simulation(broker=broker).start()
        broker = s.broker
        if generation == 0:
            s.feed(*inputs)

        def body(batch, txn, generation=generation, broker=broker):
            fold(batch, txn)
            if b"%d" % (generation * 60 + 30) in [record.value for record in batch.records]:
                broker.open_writer("id", GROUP)  # the successor appears before this batch commits

        async with agent(s, body, max_records=7):
            await s.death()
    s = await Simulation(broker=broker).start()
    async with agent(s, fold):
        await until(lambda: s.lane.position == 300)
    assert s.values(OUT) == [f"{i + 1}:{value}" for i, value in enumerate(inputs)]


def test_a_start_position_is_saved_unless_it_was_found():
    assert not Start(3).unsaved
