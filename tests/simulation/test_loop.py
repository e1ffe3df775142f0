"""The loop under the simulation: virtual time, an order by seed, processes that die and stop between two callbacks."""

import asyncio
from random import Random

import pytest

from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network
from tests.simulation.process import KILLED, Process


@pytest.fixture
def loop():
    made = VirtualLoop(Random(1))
    yield made
    made.discard()


def spawn(loop, process, work):
    loop.call_soon(lambda: loop.create_task(work), context=process.context())


async def steps(name, log, count, pause_s=0.0):
    for step in range(count):
        log.append((name, step))
        await asyncio.sleep(pause_s)


def test_time_jumps_to_the_next_timer(loop):
    log = []

    async def late():
        await asyncio.sleep(86_400)
        log.append(loop.time())

    spawn(loop, Process("a", 1), late())
    loop.run(100_000)
    assert log == [86_400]
    assert loop.now == 100_000


def test_the_order_within_a_process_is_kept_and_between_processes_the_seed_s():
    def order(seed):
        loop, log = VirtualLoop(Random(seed)), []
        for number, name in enumerate("ab", 1):
            process = Process(name, number)
            for step in range(10):
                loop.call_soon(log.append, (name, step), context=process.context())
        loop.run(1)
        assert all([step for of, step in log if of == name] == list(range(10)) for name in "ab")
        return [name for name, _ in log]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_killed_process_does_nothing_any_more(loop):
    log, process = [], Process("a", 1)
    spawn(loop, process, steps("a", log, 10))
    spawn(loop, Process("b", 2), steps("b", log, 10))
    process.strike_after(lambda: process.end(KILLED), callbacks=5)
    loop.run(1)
    assert len([name for name, _ in log if name == "a"]) < 5
    assert len([name for name, _ in log if name == "b"]) == 10


def test_a_stalled_process_goes_on_where_it_was(loop):
    log, process = [], Process("a", 1)
    spawn(loop, process, steps("a", log, 10, 1.0))
    loop.run(2.5)
    process.stalled = True
    loop.run(60)
    assert len(log) == 3
    process.stalled = False
    loop.wake(process)
    loop.run(100)
    assert len(log) == 10


def test_a_service_does_what_a_process_has_asked_that_never_hears_of_it(loop):
    network, process = Network(loop, Random(1), Process("service", 0), 0.01), Process("a", 1)
    done, heard = [], []

    async def ask():
        await network.ask(lambda: done.append(loop.time()))
        heard.append(loop.time())

    process.strike_after(lambda: process.end(KILLED), requests=1)
    spawn(loop, process, ask())
    spawn(loop, process, steps("a", [], 3))
    loop.run(10)
    assert (len(done), len(heard)) == (1, 0)
    spawn(loop, Process("b", 2), ask())
    loop.run(20)
    assert (len(done), len(heard)) == (2, 1)


def test_what_nobody_catches_is_told(loop):
    loop.call_soon(lambda: 1 // 0, context=Process("a", 1).context())
    loop.run(1)
    assert len(loop.unhandled) == 1
    assert "ZeroDivisionError" in loop.unhandled[0]
