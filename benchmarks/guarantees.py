"""A worker of the transport at saturation, and what its guarantees cost beside ``plain.py``: for ``transport.py``."""

import asyncio
import os
import statistics
from typing import NamedTuple

from benchmarks.step import reading
from benchmarks.transport_run import Run

ROUNDS = 3
MAX_US = 20.0
"""What issue 5 allows."""


class Figures(NamedTuple):
    """Of a worker at saturation."""

    rate: float
    """Inputs a second."""
    cpu_us: float
    """Of the worker's process, an input."""
    batch: float
    """Inputs a batch."""


async def consume(run: Run, count: int, *, plainly: bool = False) -> Figures:
    """Have a worker do ``count`` inputs that lie ready."""
    await run.fill("in", [reading(i) for i in range(count)])
    process = run.start(plainly=plainly)
    async with asyncio.timeout(120):
        while not (stats := run.lines("STATS")) or stats[-1][1] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.25)
    process.terminate()
    process.wait()
    first, last = next(s for s in stats if s[1] > 0), next(s for s in stats if s[1] >= count)
    seconds, records, batches, _, cpu = (b - a for a, b in zip(first, last, strict=True))
    return Figures(records / seconds, cpu / records * 1e6, records / batches)


async def saturate(run: Run, count: int = 100_000) -> str:
    """See the module."""
    found = await consume(run, count)
    return (
        f"saturate: {found.rate:,.0f} events/s, {found.cpu_us:.1f} us CPU an event, {found.batch:.0f} records a batch"
    )


async def guarantees(run: Run, count: int = 100_000) -> str:
    """See the module."""
    ours: list[Figures] = []
    theirs: list[Figures] = []
    for _ in range(ROUNDS):
        for found, plainly in ((ours, False), (theirs, True)):
            fresh = Run(run.brokers, run.options, run.max_records)
            await fresh.create_topics()
            found.append(await consume(fresh, count, plainly=plainly))
            fresh.directory.cleanup()
    once, least = (statistics.median(one.cpu_us for one in found) for found in (ours, theirs))
    return (
        f"guarantees: {once - least:.1f} us CPU an input (at most {MAX_US:.0f}): exactly once {once:.1f} us in batches "
        f"of {statistics.median(one.batch for one in ours):.0f}, plain at least once {least:.1f} us in batches of "
        f"{statistics.median(one.batch for one in theirs):.0f} ({once / least:.2f} x); "
        f"{statistics.median(one.rate for one in ours):,.0f} and "
        f"{statistics.median(one.rate for one in theirs):,.0f} inputs/s; medians of {ROUNDS} alternating rounds, "
        f"load {os.getloadavg()[0]:.0f}"
    )
