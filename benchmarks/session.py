"""A run of a workload of processes: its plant with the roles on the path, a load generator, the database's rows."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks import sampler
from benchmarks.load import Load
from benchmarks.meter import Meter
from benchmarks.plant import PROCESS_ROLES, BenchPlant, Wanted, plant
from benchmarks.rows import Rows, rows
from benchmarks.workload import Emit, Options, durability


class Session:
    """What a workload measures with."""

    def __init__(
        self, running: BenchPlant, load: Load, table: Rows, tell: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self.plant, self.load, self.rows = running, load, table
        self.meter: Meter = running.meter()
        self.tell = tell
        """Called with the name of what was measured, and its figures."""


Measure = Callable[[Session, Options], Awaitable[dict[str, Any]]]
"""Measures; returns the summary, its ``instances`` among it."""


def measure_each(name: str, measure: Measure, options: Options, emit: Emit) -> dict[str, Any]:
    """Measure the definition ``name`` on a new plant for each durability asked for.

    Returns the first summary; further ones are in its ``also``, by durability.
    """
    first, *more = [_measure_one(name, measure, options, flush, emit) for flush in options.flushes]
    return {**first, "also": {one["durability"]: one for one in more}} if more else first


def _measure_one(name: str, measure: Measure, options: Options, flush: bool, emit: Emit) -> dict[str, Any]:
    def tell(kind: str, found: dict[str, Any]) -> None:
        emit({"workload": kind, "durability": durability(flush), **found})

    async def run(running: BenchPlant) -> dict[str, Any]:
        async with Load(running) as load, rows(running) as table:
            summary = await measure(Session(running, load, table, tell), options)
        for role in running.wanted.profiled:
            options.show(f"profile of {role}: {await sampler.finished(running.profile_of(role), summary['instances'])}")
        return {"workload": name, "durability": durability(flush), **summary}

    wanted = Wanted(flush, options.partitions, options.services, options.profiled)
    with plant(wanted, options.step) as running:
        running.start(PROCESS_ROLES)
        running.deploy(name)
        return asyncio.run(run(running))
