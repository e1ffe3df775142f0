"""Backpressure: the processor's rate with the projector stopped, beside its rate with the projector running.

Closed loops of W1 in turn, counted at the ``completed`` event.  On one machine the projector and PostgreSQL take CPU
from the processor, so ``processor_us_ratio`` tells too: the processor's own CPU an instance.  Both ratios are stopped /
running; near 1 (rate: 1 or more) the processor does not care.  In the end the projector runs again, and every row must
be there.
"""

import time
from collections import Counter
from statistics import median
from typing import Any

from benchmarks.session import Session, measure_each
from benchmarks.w1 import DEFINITION, VARIABLES
from benchmarks.workload import Emit, Options

ROUNDS = 3
PROJECTOR = "projector"


async def _loop(session: Session, outstanding: int, seconds: float) -> dict[str, float]:
    """Keep ``outstanding`` instances open for ``seconds``, then wait for the rest."""
    load, reading = session.load, session.plant.meter().read()
    ended, began = load.ended, time.time()
    more: Counter[int] | dict[int, int] = load.evenly(outstanding)
    while time.time() - began < seconds:
        await load.start(DEFINITION, VARIABLES, more)
        more = await load.look()
    await load.until(lambda: not load.open)
    instances, took = load.ended - ended, time.time() - began
    used = reading.until_now()
    return {
        "instances": instances,
        "rate_at_event": round(instances / took, 1),
        "processor_us": used.us_per(instances)["processor"],
        "foreign_cores": used.foreign_cores,
    }


async def measure(session: Session, options: Options) -> dict[str, Any]:
    """Rounds of each in turn; the summary has the medians and their ratios."""
    outstanding = sorted(options.outstanding)[len(options.outstanding) // 2]
    await _loop(session, outstanding, options.warm_s)
    found: dict[str, list[dict[str, float]]] = {"running": [], "stopped": []}
    for _ in range(ROUNDS):
        for state, rounds in found.items():
            if state == "stopped":
                session.plant.stop(PROJECTOR)
            rounds.append(await _loop(session, outstanding, options.seconds / 2))
            session.tell(f"stopped-{state}", rounds[-1])
            if state == "stopped":
                session.plant.start([PROJECTOR])
            await session.rows.caught_up(session.load.ends)
    await session.rows.check(session.load.events, {"completed": session.load.ended})
    rate, cpu = (
        {state: median(one[figure] for one in rounds) for state, rounds in found.items()}
        for figure in ("rate_at_event", "processor_us")
    )
    return {
        "instances": sum(int(one["instances"]) for rounds in found.values() for one in rounds),
        "rate_running": rate["running"],
        "rate_stopped": rate["stopped"],
        "ratio": round(rate["stopped"] / rate["running"], 2),
        "processor_us_ratio": round(cpu["stopped"] / cpu["running"], 2),
    }


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Measure with each durability asked for; the summary is that of the first."""
    return {**measure_each("w1", measure, options, emit), "workload": "stopped"}
