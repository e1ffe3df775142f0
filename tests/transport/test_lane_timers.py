"""Batches without records, and up to when their timers may fire."""

import asyncio
import contextlib
import time

from streams.transport import alarm
from streams.transport.contents import position_key
from tests.transport.harness import until
from tests.transport.simulation import CHANGELOG, Simulation, agent, fold


async def test_a_due_timer_gets_a_batch_without_records():
    s = await Simulation().start()
    s.feed("a")
    fired = []

    def body(batch, txn):
        fold(batch, txn)
        if not batch.records:
            fired.append((batch.quiet_at, batch.start, batch.end))
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
    assert fired == [(due, 2, 2)]
    [record] = [r for r in s.broker.log(CHANGELOG).read(0, 100)[0] if r.key == b"timer"]
    assert record.timestamp >= int(due * 1000), "worked on ahead, and committed when it was due"
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


async def test_a_batch_of_records_does_not_claim_that_nothing_lies_behind_it():
    """The process may have been stopped since it was fetched, and commands appended meanwhile go before timers."""
    s = Simulation()
    s.wake = time.time() - 10
    s.feed("a")
    await s.start()
    batches = s.source.batches()
    batch = await s.next_batch(batches)
    assert ([r.value for r in batch.records], batch.quiet_at) == ([b"a"], None)
    async with batch.transaction():
        pass
    assert (await s.next_batch(batches)).quiet_at is not None


async def test_timers_fire_up_to_the_moment_of_asking_however_late_the_answer_is_read():
    s = Simulation()
    clock = s.source.clock = SetClock(1_000.0)
    s.wake = 999.0
    await s.start()
    s.lane._alarm._ends = ends = SlowEnds()
    await asyncio.wait_for(ends.asked.wait(), 10)
    clock.now = 2_000.0  # stopped between asking and answer: what was appended since is not in the answer
    ends.answer.set_result(0)
    assert (await s.next_batch(s.source.batches())).quiet_at == 1_000.0


async def test_a_clock_that_was_behind_and_is_set_right_delays_no_timer(monkeypatch):
    monkeypatch.setattr(alarm, "CLOCK_LOOK_S", 0.02)
    s = Simulation()
    clock = s.source.clock = SetClock(1_000.0)
    s.wake = 5_000.0
    await s.start()
    await until(lambda: clock.asked > 2)
    clock.now = 5_000.0
    assert (await s.next_batch(s.source.batches())).quiet_at == 5_000.0


class SetClock:
    """A wall clock that the test sets."""

    def __init__(self, now) -> None:
        self.now, self.asked = now, 0

    def __call__(self):
        self.asked += 1
        return self.now


class SlowEnds:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked, self.answer = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def end(self, tp):
        self.asked.set()
        return await self.answer


async def test_a_due_timer_waits_for_the_answer_and_gives_way_to_what_comes_first():
    s = Simulation()
    s.wake = time.time() - 10
    await s.start()
    s.lane._alarm._ends = ends = SlowEnds()
    await asyncio.wait_for(ends.asked.wait(), 10)
    assert s.source.ready.empty()
    s.feed("a")
    batches = s.source.batches()
    first = await s.next_batch(batches)
    assert [r.value for r in first.records] == [b"a"]
    s.lane._alarm._ends = ends = SlowEnds()
    async with first.transaction():
        pass
    second = asyncio.create_task(s.next_batch(batches))
    await asyncio.wait_for(ends.asked.wait(), 10)
    ends.answer.set_result(1)
    assert (await second).records == ()


async def test_a_due_timer_waits_for_what_the_answer_tells_of():
    s = Simulation()
    s.wake = time.time() - 10
    await s.start()
    s.lane._alarm._ends = ends = SlowEnds()
    await asyncio.wait_for(ends.asked.wait(), 10)
    ends.answer.set_result(1)
    s.feed("a")
    assert [r.value for r in (await s.next_batch(s.source.batches())).records] == [b"a"]


async def ahead_of(s, wake):
    """The batch of the timers of ``wake``, handed out before it."""
    await s.start()
    s.feed("a")
    batches = s.source.batches()
    async with (await s.next_batch(batches)).transaction():
        s.wake = wake  # asked for after every batch
    return await s.next_batch(batches), batches


async def test_timers_that_were_worked_on_ahead_give_way_to_a_command():
    s = Simulation(timers_ahead_s=3600)
    wake = time.time() + 3000
    ahead, batches = await ahead_of(s, wake)
    assert (ahead.quiet_at, ahead.ahead, ahead.records) == (wake, True, ())
    async with asyncio.timeout(10), ahead.transaction() as txn:
        txn[b"k"] = b"never"
        s.feed("b")
    assert (ahead.withdrawn, ahead.done) == (True, False)
    command = await s.next_batch(batches)
    assert [r.value for r in command.records] == [b"b"]
    s.wake = time.time()  # the clock has come there
    async with command.transaction():
        pass
    again = await s.next_batch(batches)
    assert (again.ahead, again.records) == (False, ())
    async with again.transaction() as txn:
        txn[b"k"] = b"at last"
    assert s.table.contents.parts[0][b"k"] == b"at last"


async def test_timers_are_worked_on_ahead_once():
    s = Simulation(timers_ahead_s=3600)
    ahead, batches = await ahead_of(s, time.time() + 0.5)
    async with ahead.transaction() as txn:
        txn[b"k"] = b"never"
        s.feed("b")
    async with (await s.next_batch(batches)).transaction():
        pass
    again = await s.next_batch(batches)
    assert (again.ahead, again.records) == (False, ()), "when they are due"
    assert time.time() >= ahead.quiet_at


async def test_timers_that_were_worked_on_ahead_give_way_to_what_the_broker_tells_of():
    s = Simulation(timers_ahead_s=3600)
    ahead, batches = await ahead_of(s, time.time() + 0.2)
    s.lane._alarm._ends = ends = SlowEnds()
    ends.answer.set_result(2)
    async with asyncio.timeout(10), ahead.transaction() as txn:
        txn[b"k"] = b"never"
    assert ahead.withdrawn
    s.feed("b")
    assert [r.value for r in (await s.next_batch(batches)).records] == [b"b"]


async def test_a_clock_set_back_holds_no_batch(monkeypatch):
    monkeypatch.setattr(alarm, "CLOCK_LOOK_S", 0.02)
    s = Simulation(timers_ahead_s=0.05)
    s.source.clock = SetClock(1_000.0)
    ahead, _ = await ahead_of(s, 1_000.04)
    async with asyncio.timeout(10), ahead.transaction() as txn:
        txn[b"k"] = b"never"
    assert ahead.withdrawn


async def test_a_lane_that_stops_waits_for_no_moment():
    s = Simulation(timers_ahead_s=3600)
    ahead, batches = await ahead_of(s, time.time() + 1000)

    async def work():
        async with ahead.transaction() as txn:
            txn[b"k"] = b"never"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await anext(batches)

    working = asyncio.create_task(work())
    await until(lambda: s.lane.batch is ahead)
    async with asyncio.timeout(10):
        await s.lane.stop()
        await working
    assert not ahead.done
    assert b"k" not in s.table.contents.parts[0]


async def test_a_broker_that_cannot_tell_the_end_ends_the_process():
    s = Simulation()
    s.wake = time.time() - 10
    await s.start()
    s.lane._alarm._ends = ends = SlowEnds()
    await asyncio.wait_for(ends.asked.wait(), 10)
    ends.answer.set_exception(ConnectionError("lost"))
    message, error = await s.death()
    assert "the lane failed" in message
    assert isinstance(error, ConnectionError)


async def test_the_end_is_asked_for_only_when_a_timer_is_due():
    s = await Simulation().start()
    s.lane._alarm._ends = ends = SlowEnds()
    s.wake = time.time() + 3600
    s.feed("a")
    async with agent(s, fold):
        await until(lambda: s.lane.position == 1)
    assert not ends.asked.is_set()
