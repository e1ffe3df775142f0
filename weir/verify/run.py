"""``verify``: fold the log, compare the table and the database, all of them cut so that nothing has to stand still.

database: one snapshot (rows and positions) ─► partitions in groups, each in a process ─► what differs

The dead letters are looked at by themselves: that each says of what it is, and that none is there twice.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.sharedctypes import Synchronized

from streams.core.ids import partition_of
from streams.log import opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.verify.database import snapshot
from weir.verify.definitions import compare_definitions, read_rows, read_topic
from weir.verify.group import Job, Result, verify_group
from weir.verify.log import check_letters
from weir.verify.report import Report

Progress = Callable[[int, int], None]
"""Called with how many events and rows are done, and about how many there are."""
SMALL = 20_000
"""Events up to which other processes would take longer to start than they save."""
MAX_GROUP = 4_000_000
"""Events of a group, whose instances are remembered until the database's rows have been seen: a finished one takes
about 600 bytes."""
MAX_PROCESSES = 4
"""Each goes through the database's tables, for the rows of its partitions."""
POLL_S = 0.1


async def verify(settings: Settings, topics: Topics, progress: Progress, only: str | None = None) -> Report:
    """Compare everything, or the one instance ``only``, while everything runs.

    Raises ``LogError``, ``UpgradeError``, ``KafkaError``, ``UnreachableError``, ``NoSchemaError``.
    """
    partitions = range(topics.partitions) if only is None else [partition_of(only)]
    async with snapshot(settings) as (connection, moment):
        async with opened(settings) as log:
            bounds = await log.bounds([TopicPartition(topics.events.name, number) for number in partitions])
            tp = TopicPartition(topics.definitions.name, 0)
            deployed = await read_topic(log, tp, moment.positions.get(tp, 0))
            letters = await check_letters(log, topics) if only is None else []
        differences = compare_definitions(deployed, await read_rows(connection)) if only is None else []
        sizes = {tp.partition: span.end for tp, span in bounds.items()}
        jobs = [Job(settings, topics, group, moment, only) for group in grouped(sizes, _processes(sizes))]
        rows = sum(min(sizes[number], moment.positions.get((topics.events.name, number), 0)) for number in partitions)
        results = await _work(jobs, progress, sum(sizes.values()) + rows)
    return Report(
        instances=sum(one.instances for one in results),
        events=sum(one.events for one in results),
        partitions=len(partitions),
        expired=sum(one.expired for one in results),
        differences=differences + letters + [difference for one in results for difference in one.differences],
    )


def grouped(sizes: dict[int, int], processes: int) -> list[tuple[int, ...]]:
    """Partitions by size (in events) in groups of about the same size, as many as there are processes, or more where a
    group would be too large.
    """
    count = min(len(sizes), max(processes, -(-sum(sizes.values()) // MAX_GROUP)))
    groups: list[list[int]] = [[] for _ in range(count)]
    for partition in sorted(sizes, key=lambda one: -sizes[one]):
        min(groups, key=lambda group: sum(sizes[one] for one in group)).append(partition)
    return [tuple(sorted(group)) for group in groups if group]


def _processes(sizes: dict[int, int]) -> int:
    return 1 if sum(sizes.values()) <= SMALL else min(len(sizes), _most())


async def _work(jobs: list[Job], progress: Progress, total: int) -> list[Result]:
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    if len(jobs) == 1:
        return [await verify_group(jobs[0], tell)]
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(min(len(jobs), _most()), context, _share, (counter,)) as pool:
        loop = asyncio.get_running_loop()
        working = [loop.run_in_executor(pool, _verify_group, job) for job in jobs]
        pending = set(working)
        while pending:
            finished, pending = await asyncio.wait(pending, timeout=POLL_S, return_when=asyncio.FIRST_EXCEPTION)
            progress(counter.value, total)
            for one in finished:
                one.result()
    return [one.result() for one in working]


def _most() -> int:
    return min(os.cpu_count() or 1, MAX_PROCESSES)


# ---- in a process of the pool

_done: "Synchronized[int]"


def _share(counter: "Synchronized[int]") -> None:
    global _done  # noqa: PLW0603 - a pool's initialiser has no other place to leave something
    _done = counter


def _verify_group(job: Job) -> Result:
    def tell(more: int) -> None:
        with _done.get_lock():
            _done.value += more

    return asyncio.run(verify_group(job, tell))
