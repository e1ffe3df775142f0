"""W1: start a short process from outside: decision → one durable activity by a worker → decision → end.

Closed loop: so many instances are outstanding at any time, for some seconds; then the rest completes.  An instance
counts when its whole history is in the database: ``rate`` is instances by the time until the last of them was there;
``rate_at_event`` is by the time until the last ``completed`` event was seen.

Then the open loop: ``benchmarks.open_loop``.
"""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord

from benchmarks.meter import Used
from benchmarks.open_loop import open_loop
from benchmarks.session import Session, measure_each
from benchmarks.workload import Emit, Options, milliseconds, percentile

DEFINITION = "bench-w1"
VARIABLES = {"temperature": 30, "threshold": 25, "min_temperature": 10}


@dataclass(frozen=True)
class Closed:
    """One closed loop.  Seconds count from the first start sent."""

    outstanding: int
    instances: int
    events: int
    event_s: float
    row_s: float
    latencies_s: list[float]
    used: Used

    @property
    def rate(self) -> float:
        return self.instances / self.row_s

    def document(self) -> dict[str, Any]:
        """As a line of the output."""
        return {
            "outstanding": self.outstanding,
            "instances": self.instances,
            "seconds": round(self.row_s, 2),
            "rate": round(self.rate, 1),
            "rate_at_event": round(self.instances / self.event_s, 1),
            "p50_ms": milliseconds(percentile(self.latencies_s, 0.5)),
            "p99_ms": milliseconds(percentile(self.latencies_s, 0.99)),
            "events_per_instance": round(self.events / max(1, self.instances), 2),
            **self.used.document(self.instances),
        }


async def closed_loop(session: Session, outstanding: int, seconds: float) -> Closed:
    """Keep ``outstanding`` instances open for ``seconds``, then wait for the rest and for their rows."""
    load = session.load
    reading = session.meter.read()
    events, ended = load.events, load.ended
    latencies: list[float] = []

    def seen(record: ConsumerRecord, now: float) -> None:
        if record.headers[0][1] == b"completed" and record.key in load.open:
            latencies.append(now - load.open[record.key])

    began = time.time()
    more: Counter[int] | dict[int, int] = load.evenly(outstanding)
    while time.time() - began < seconds:
        await load.start(DEFINITION, VARIABLES, more)
        more = await load.look(seen)
    await load.until(lambda: not load.open, seen)
    event_s = time.time() - began
    await session.rows.caught_up(load.ends)
    row_s = time.time() - began
    used = reading.until_now()
    return Closed(outstanding, load.ended - ended, load.events - events, event_s, row_s, latencies, used)


async def measure(session: Session, options: Options) -> dict[str, Any]:
    """Probe how many outstanding instances give the highest rate; then the closed loop with these, and the open one."""
    levels = options.outstanding
    await closed_loop(session, levels[0], options.warm_s)
    probes = [await closed_loop(session, level, options.probe_s) for level in levels] if len(levels) > 1 else []
    for probe in probes:
        session.tell("w1-probe", probe.document())
    best = max(probes, key=lambda one: one.rate).outstanding if probes else levels[0]
    with session.plant.profiling():
        closed = (await closed_loop(session, best, options.seconds)).document()
    session.tell("w1-closed", closed)
    memory = session.meter.rss_mb()
    opened = (await open_loop(session, DEFINITION, VARIABLES, options.open_s)).document()
    session.tell("w1-open20", opened)
    await session.rows.check(session.load.events, {"completed": session.load.ended})
    return {
        **{name: closed[name] for name in ("instances", "rate", "rate_at_event", "outstanding")},
        **{name: opened[name] for name in ("p50_ms", "p99_ms", "row_p50_ms", "row_p99_ms", "hops_ms")},
        **{name: closed[name] for name in ("cpu_us_per_instance", "cpu_us_total", "foreign_cores")},
        "rss_mb": round(sum(memory.values()), 1),
        "rss_mb_by_process": memory,
    }


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure with each durability asked for; the summary is that of the first."""
    return measure_each("w1", measure, options, emit)
