"""W2: instances wait for a message, then each is signalled by its key.

A start counts when the instance waits, a signal when the instance has completed; ``rate`` is by the time until the rows
of the last were in the database, ``rate_at_event`` until its event was seen.  With many instances (``--instances
100000``) it tells what one that waits costs in memory.
"""

import time
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

from aiokafka import ConsumerRecord

from benchmarks.session import Session, measure_each
from benchmarks.workload import Emit, Options, warm_up

DEFINITION, MESSAGE = "bench-w2", "approve"
INSTANCES = 2_000
WARM = 1_000
OUTSTANDING = 2_000
"""How many commands are ahead of the events that they lead to."""


async def _each(
    session: Session, count: int, limit: int, send: Callable[[int], Awaitable[None]], kind: bytes
) -> dict[str, Any]:
    """Send ``count`` commands, at most ``limit`` ahead of the events of this kind that they lead to."""
    reached = sent = 0

    def seen(record: ConsumerRecord, _now: float) -> None:
        nonlocal reached
        reached += record.headers[0][1] == kind

    reading = session.meter.read()
    began = time.time()
    while reached < count:
        room = min(limit - (sent - reached), count - sent)
        if room > 0:
            await send(room)
            sent += room
        await session.load.look(seen)
    event_s = time.time() - began
    await session.rows.caught_up(session.load.ends)
    row_s = time.time() - began
    used = reading.until_now()
    return {
        "instances": count,
        "seconds": round(row_s, 2),
        "rate": round(count / row_s, 1),
        "rate_at_event": round(count / event_s, 1),
        **used.document(count),
    }


async def start(session: Session, count: int, limit: int) -> dict[str, Any]:
    """Start ``count`` instances and wait until all wait: the figures."""
    load = session.load

    async def send(room: int) -> None:
        await load.start(DEFINITION, {}, load.evenly(room))

    base = session.meter.rss_bytes("processor")
    started = await _each(session, count, limit, send, b"message_awaited")
    waiting = session.meter.rss_bytes("processor")
    each = round((waiting - base) / count)
    return {**started, "processor_rss_mb": round(waiting / 1e6, 1), "processor_bytes_per_instance": each}


async def signal(session: Session, count: int, limit: int) -> dict[str, Any]:
    """Signal the ``count`` instances that wait, and wait until all have completed: the figures."""
    instances = iter(list(session.load.open))

    async def send(room: int) -> None:
        await session.load.signal(MESSAGE, islice(instances, room))

    return await _each(session, count, limit, send, b"completed")


async def start_and_signal(session: Session, count: int, limit: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Start ``count`` instances, then signal them all: the figures of each.  The rows are checked in between."""
    load = session.load
    started = await start(session, count, limit)
    await session.rows.check(load.events, {"running": count, "completed": load.ended})
    signalled = await signal(session, count, limit)
    await session.rows.check(load.events, {"completed": load.ended})
    return started, signalled


async def measure(session: Session, options: Options) -> dict[str, Any]:
    """Starts, then signals."""
    count, limit = options.instances or INSTANCES, min(OUTSTANDING, max(options.outstanding))
    await warm_up(options.warm_s, lambda: start_and_signal(session, min(WARM, count), limit))
    with session.plant.profiling():
        started, signalled = await start_and_signal(session, count, limit)
    session.tell("w2-start", started)
    session.tell("w2-signal", signalled)
    memory = session.meter.rss_mb()
    return {
        "instances": count,
        "rate": started["rate"],
        "signal_rate": signalled["rate"],
        "cpu_us_per_instance": started["cpu_us_per_instance"],
        "signal_cpu_us_per_instance": signalled["cpu_us_per_instance"],
        "processor_bytes_per_instance": started["processor_bytes_per_instance"],
        "rss_mb": round(sum(memory.values()), 1),
        "rss_mb_by_process": memory,
    }


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure with each durability asked for; the summary is that of the first."""
    return measure_each("w2", measure, options, emit)
