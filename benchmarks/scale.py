"""Scaling: how long a start waits while workers join, leave, restart, are killed.

Under 200 starts a second, evenly over the partitions, two supervised processors work (``weir up --workers 2``):

    join        a third is added                                    leave      the third is taken away
    rolling     each gets SIGTERM, the next when the last works     restarted  one gets kill -9, its supervisor is there
    takeover    one gets kill -9, and nobody starts it again: the group gives its partitions to the other

A stall is the longest time from the sending of a start to its ``completed`` event, of the partitions that changed hands
or whose worker was away, and of the others.  Each start must complete exactly once.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.fleet import Fleet
from benchmarks.load import Load
from benchmarks.plant import BenchPlant, Wanted, plant
from benchmarks.stalls import Stalls, stalls_of
from benchmarks.workload import Emit, Options, durability, milliseconds
from streams.kafka import client_options
from weir.stack.supervisor import NAME as SUPERVISOR

DEFINITION = "bench-scale"
RATE = 200.0
FIRST, SECOND, THIRD = "processor", "processor-2", "processor-3"
QUIET_S = 3.0

Action = Callable[[Fleet], Awaitable[set[str]]]
"""Does something to the workers; returns those that were away or are new."""


async def join(fleet: Fleet) -> set[str]:
    """A third worker."""
    await fleet.scale(3)
    return {THIRD}


async def leave(fleet: Fleet) -> set[str]:
    """No third worker."""
    await fleet.scale(2)
    return {THIRD}


async def rolling(fleet: Fleet) -> set[str]:
    """Every worker anew, one after the other."""
    for name in (FIRST, SECOND):
        await fleet.back(name, fleet.signal(name, signal.SIGTERM))
    return {FIRST, SECOND}


async def restarted(fleet: Fleet) -> set[str]:
    """A worker that dies is back."""
    await fleet.back(SECOND, fleet.signal(SECOND, signal.SIGKILL))
    return {SECOND}


async def takeover(fleet: Fleet) -> set[str]:
    """A worker that dies is not back while the supervisor sleeps; it is in the end."""
    fleet.signal(SUPERVISOR, signal.SIGSTOP)
    try:
        pid = fleet.signal(SECOND, signal.SIGKILL)
        await fleet.owners(FIRST)
    finally:
        fleet.signal(SUPERVISOR, signal.SIGCONT)
    await fleet.back(SECOND, pid)
    return {SECOND}


ACTIONS: dict[str, Action] = {
    "join": join,
    "leave": leave,
    "rolling": rolling,
    "restarted": restarted,
    "takeover": takeover,
}


async def longest(fleet: Fleet, stalls: Stalls, action: Action) -> tuple[float, float]:
    """The longest stalls during an action, in seconds: of the partitions that it concerns, and of the others."""
    before = await fleet.owners()
    await stalls.settled()
    stalls.reset()
    away = await action(fleet)
    after = await fleet.owners()
    await stalls.settled()
    moved = {number for number in before if before[number] != after[number] or before[number] in away}
    found = stalls.longest_s
    others = [found[number] for number in found if number not in moved]
    return max(found[number] for number in moved), max(others, default=0.0)


async def measure(running: BenchPlant, options: Options, emit: Emit) -> dict[str, Any]:
    """Every action so many times; the summary has the worst of each."""
    worst: dict[str, tuple[float, float]] = dict.fromkeys(options.actions, (0.0, 0.0))
    admin = AIOKafkaAdminClient(**client_options(running.settings))
    await admin.start()
    try:
        fleet = Fleet(running, admin)
        await fleet.scale(2)
        async with Load(running) as load, stalls_of(load, DEFINITION, RATE) as stalls:
            await asyncio.sleep(QUIET_S)
            quiet_s = max(stalls.longest_s.values())
            for number in range(1, options.times + 1):
                for name in options.actions:
                    moved_s, others_s = await longest(fleet, stalls, ACTIONS[name])
                    worst[name] = max(worst[name][0], moved_s), max(worst[name][1], others_s)
                    emit({"workload": f"scale-{name}", "time": number, **_document(moved_s, others_s)})
    finally:
        await admin.close()
    summary = {name: _document(*stall) for name, stall in worst.items()}
    return {"instances": load.ended, "times": options.times, "quiet_ms": milliseconds(quiet_s), **summary}


def _document(moved_s: float, others_s: float) -> dict[str, float | None]:
    return {"moved_ms": milliseconds(moved_s), "others_ms": milliseconds(others_s)}


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure on a plant of its own."""
    flush = options.flushes[0]
    with plant(Wanted(flush, options.partitions, options.services), options.step) as running:
        running.start(["processor"])
        running.deploy("scale")
        running.stop("processor")
        summary = asyncio.run(measure(running, options, emit))
        timeout_s = running.settings.session_timeout_s
    return {"workload": "scale", "durability": durability(flush), "session_timeout_s": timeout_s, **summary}
