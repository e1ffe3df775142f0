"""W3: instances sleep on a durable timer of two seconds.

Lateness is from the due time, as the event ``timer_started`` has it, to the ``completed`` event as a ``read_committed``
consumer sees it.

All are started at once, as with the other systems.  Weir has started them within a few milliseconds, so that all timers
are due together, and lateness is how long a thousand of them take.  Systems that take a second to start them have them
due over a second: ``w3-spread`` starts them over that time, and ``w3-steady`` fifty a second: what a plant may have.
"""

import time
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord

from benchmarks.session import Session, measure_each
from benchmarks.workload import Emit, Options, milliseconds, percentile, warm_up
from streams.codec import decode_event

DEFINITION = "bench-w3"
INSTANCES = 1_000
SPREAD_S = 1.0
STEADY_PER_S = 50
TICK_S = 0.01


async def sleep(session: Session, count: int, over_s: float) -> dict[str, Any]:
    """Start ``count`` instances, evenly over some seconds, and wait for all of them: the figures."""
    load = session.load
    sent = 0
    due: dict[bytes, float] = {}
    late: list[float] = []

    def seen(record: ConsumerRecord, now: float) -> None:
        kind = record.headers[0][1]
        if kind == b"timer_started":
            due[record.key] = datetime.fromisoformat(decode_event(record.value).data["due"]).timestamp()
        elif kind == b"completed":
            late.append(now - due[record.key])

    reading = session.meter.read()
    began = time.time()
    while sent < count:
        share = min(1.0, (time.time() - began + TICK_S) / over_s) if over_s else 1.0
        await load.start(DEFINITION, {}, load.evenly(round(count * share) - sent))
        sent = round(count * share)
        await load.look(seen, TICK_S)
    await load.until(lambda: not load.open, seen)
    await session.rows.caught_up(load.ends)
    seconds = time.time() - began
    used = reading.until_now()
    return {
        "instances": count,
        "seconds": round(seconds, 2),
        "rate": round(count / seconds, 1),
        "p50_ms": milliseconds(percentile(late, 0.5)),
        "p99_ms": milliseconds(percentile(late, 0.99)),
        "min_ms": milliseconds(min(late)),
        **used.document(count),
    }


async def measure(session: Session, options: Options) -> dict[str, Any]:
    """All at once, spread and steady, after rounds to warm up."""
    count = options.instances or INSTANCES
    await warm_up(options.warm_s, lambda: sleep(session, count, SPREAD_S))
    with session.plant.profiling():
        found = await sleep(session, count, 0.0)
    session.tell("w3-sleep", found)
    spread = await sleep(session, count, SPREAD_S)
    session.tell("w3-spread", spread)
    steady = await sleep(session, count, count / STEADY_PER_S)
    session.tell("w3-steady", steady)
    await session.rows.check(session.load.events, {"completed": session.load.ended})
    memory = session.meter.rss_mb()
    others = {"spread": spread, "steady": steady}
    late = {f"{kind}_{name}": other[name] for kind, other in others.items() for name in ("p50_ms", "p99_ms")}
    return {**found, **late, "rss_mb": round(sum(memory.values()), 1), "rss_mb_by_process": memory}


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure with each durability asked for; the summary is that of the first."""
    return measure_each("w3", measure, options, emit)
