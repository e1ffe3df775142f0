"""A lane over the simulated broker: what an agent sees, what is written together, and what ends the process."""

import asyncio

import pytest

from streams.transport.batch import RecordTooLargeError
from streams.transport.memory import MemoryWriter
from tests.transport.harness import until
from tests.transport.simulation import CHANGELOG, GROUP, IN, OUT, ProcessEnded, Simulation, agent, fold


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
    txn.send("out", 0, b"k", b"x", [("no value", None)])


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
    async with asyncio.timeout(5.0):
        await stopping
    waiting.cancel()
    assert (s.values(OUT), s.lane.position) == ([], 0)


async def test_a_transaction_that_is_not_confirmed_ends_the_process():
    s = await Simulation(commit_timeout_s=0.1).start()
    s.lane.commits._writer.transact = lambda outputs, offsets: asyncio.sleep(60)
    s.feed("a")
    async with agent(s, fold):
        message, _ = await s.death()
    assert "Kafka did not confirm a transaction within commit_timeout_s=0.1" in message


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
                MemoryWriter(broker, "id", GROUP)  # the successor appears before this batch commits

        async with agent(s, body, max_records=7):
            await s.death()
    s = await Simulation(broker=broker).start()
    async with agent(s, fold):
        await until(lambda: s.lane.position == 300)
    assert s.values(OUT) == [f"{i + 1}:{value}" for i, value in enumerate(inputs)]
