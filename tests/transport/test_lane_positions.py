"""Where lanes over the simulated broker begin, and when their positions are written."""

import asyncio
import time

import pytest

from streams.transport.contents import position_key
from streams.transport.positions import ExternalPositions
from tests.transport.harness import message, until
from tests.transport.simulation import CHANGELOG, GROUP, IN, OUT, ProcessEnded, Simulation, agent, fold


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


async def test_a_lane_at_rest_has_told_where_it_is():
    s = await Simulation(offsets_every_s=0.1).start()
    async with agent(s, fold):
        for i in range(5):  # more often than offsets are written
            s.feed(str(i))
            await until(lambda i=i: s.lane.position == i + 1)
        await until(lambda: s.lane.commits.due_in is None)
    assert s.source.take_stored() == {IN: 5}, "the consumer flushes it"
    assert not s.broker.groups.get(GROUP), "transactions are without the group"
    assert s.counters.transactions == 5


async def test_a_table_without_a_position_whose_input_was_trimmed_has_lost_its_changelog():
    s = Simulation()
    s.feed("a", "b")
    s.broker.delete_records(IN, 1)
    with pytest.raises(ProcessEnded, match=r"since in\[0\] begins at 1, but it holds none: the changelog is lost"):
        await s.start()


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


async def test_a_lane_stopped_while_it_saves_its_position_waits_for_that_transaction():
    s = await Simulation(offsets_every_s=0.05).start()
    transact, running = s.lane.commits._writer.transact, []

    async def slow(outputs, offsets):
        assert not running, "a writer has one transaction at a time"
        running.append(True)
        await asyncio.sleep(0.1)
        running.clear()
        return await transact(outputs, offsets)

    s.lane.commits._writer.transact = slow
    s.feed("a")
    async with agent(s, lambda batch, txn: None):
        await until(lambda: running)
        await s.lane.stop()
    assert s.table.contents.input_position(IN) == 1
    assert s.counters.transactions == 1


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
