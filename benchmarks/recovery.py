"""Recovery: how soon a processor that starts works again, with so many instances that wait, after so many that ended.

    --instances 100000    wait for a message              --finished 1000000    have ended before
    --faster 60           compaction's times are so much shorter: ten minutes of segments are ten seconds

Two starts of the processor are compared, with an empty table and with all of it.  A start is over when a signal that
waited in each partition has been answered; ``recovery_s`` is what the table adds, so from the assignment on.  The
changelog's size is told before and after its compaction had time to catch up; under ``--faster`` that is waited for.

The instances that have ended did so in the last ten days: the processor's own code writes what the table saw of them
(``benchmarks.written``), to the changelog only, which is all that a recovery reads.  The others start over the topics.
"""

import asyncio
import time
from collections import defaultdict, deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

from benchmarks.load import Load, LostError
from benchmarks.plant import DEFINITIONS, BenchPlant, Wanted, plant
from benchmarks.services import COMPACTION
from benchmarks.w2 import DEFINITION, MESSAGE
from benchmarks.workload import Emit, Options, durability
from benchmarks.written import WrittenLog
from streams.codec import decode_entity
from streams.core.commands import Signal, StartProcess
from streams.core.ids import partition_for
from streams.core.state import Finished
from streams.settings import Settings
from streams.topics import Topics

INSTANCES = 100_000
OUTSTANDING = 4_000
"""How many starts are ahead of the events that they lead to."""
AGE_MS = 10 * 86_400_000
WRITERS, BATCH = 2, 1_000
SILENCE_S = 300.0
"""Nothing is heard while the processor recovers."""
CLEANER_S = 60.0
"""The broker's log cleaner looks every 15 s, needs time, and comes twice: it lets go of tombstones it has met."""
ROLE = "processor"


async def write_finished(running: BenchPlant, count: int) -> int:
    """Have ``count`` instances started, signalled and ended, as the table sees it, evenly over ``AGE_MS`` until now;
    how many marks of them the table still has.
    """
    now, loop = round(time.time() * 1000), asyncio.get_running_loop()
    with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
        shares = [
            loop.run_in_executor(pool, _write_share, running.settings, running.topics, count, now, share)
            for share in range(WRITERS)
        ]
        found = [await share for share in shares]
    if (ended := sum(of_share for of_share, _ in found)) != count:
        raise LostError(f"Expected all of {count} instances to have ended, but {ended} have")
    return sum(marks for _, marks in found)


def _write_share(settings: Settings, topics: Topics, count: int, now: int, share: int) -> tuple[int, int]:
    """What lives in every ``WRITERS``-th partition: how many have ended, and how many marks there are."""
    return asyncio.run(_write_partitions(settings, topics, count, now, share))


async def _write_partitions(settings: Settings, topics: Topics, count: int, now: int, share: int) -> tuple[int, int]:
    log, ended = await WrittenLog.open(settings, topics, f"written-{share}", table_only=True), 0

    async def end(partition: int, keys: list[str], at: int) -> int:
        starts = [StartProcess(definition_id=DEFINITION, key=key, variables={"device_id": key}) for key in keys]
        await log.do(partition, starts, at)
        told = await log.do(partition, [Signal(name=MESSAGE, key=key) for key in keys], at)
        return sum(headers[0][1] == b"completed" for _, _, headers in told)

    try:
        log.definitions.learn((DEFINITIONS / "w2.yaml").read_text())
        waiting: defaultdict[int, list[str]] = defaultdict(list)
        for number in range(count):
            key = f"ended-{number}"
            partition = partition_for(key, topics.partitions)
            if partition % WRITERS != share:
                continue
            waiting[partition].append(key)
            if len(waiting[partition]) == BATCH:
                ended += await end(partition, waiting.pop(partition), now - AGE_MS + AGE_MS * number // count)
        for partition, keys in waiting.items():
            ended += await end(partition, keys, now)
    finally:
        await log.close()
    return ended, sum(isinstance(decode_entity(value), Finished) for _, value in log.contents.items())


class Filling:
    """Starts instances; of those that wait, the first ``finished`` are signalled at once."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._waiting: deque[bytes] = deque()
        self._reached = 0

    async def fill(self, waiting: int, finished: int) -> None:
        """Return when so many wait and so many have ended."""
        load, count, sent, signalled = self._load, waiting + finished, 0, 0
        ended = load.ended + finished
        while self._reached < count or load.ended < ended:
            room = min(OUTSTANDING - (sent - self._reached), count - sent)
            if room > 0:
                await load.start(DEFINITION, {}, load.evenly(room))
                sent += room
            ready = [self._waiting.popleft() for _ in range(min(len(self._waiting), finished - signalled))]
            if ready:
                await load.signal(MESSAGE, ready)
                signalled += len(ready)
            await load.look(self._seen)

    def _seen(self, record: ConsumerRecord, _now: float) -> None:
        if record.headers[0][1] == b"message_awaited":
            self._reached += 1
            self._waiting.append(record.key)


async def restart(running: BenchPlant, load: Load) -> dict[str, float]:
    """Stop the processor, signal an instance in each partition, start it; seconds until all were answered, and memory.

    These instances are added before, and gone after.
    """
    before = set(load.open)
    await Filling(load).fill(load.partitions, 0)
    added = load.open.keys() - before
    await asyncio.to_thread(running.stop, ROLE)
    await load.signal(MESSAGE, added)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(running.start, [ROLE]))
        await load.until(lambda: not load.open.keys() & added)
        seconds = time.monotonic() - began
    meter = running.meter()
    return {"seconds": seconds, "cpu_s": meter.read().cpu_s[ROLE], "rss_bytes": meter.rss_bytes(ROLE)}


def changelog_mb(running: BenchPlant) -> float:
    """The size of the changelog's segments on the broker's disk, in MB."""
    home = running.wanted.services or running.home
    folders = (home / "kafka" / "data").glob(f"{running.topics.changelog.name}-*")
    return round(sum(map(_size, folders)) / 1e6, 3)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.log"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # the cleaner has replaced it
            continue
    return total


async def compacted(running: BenchPlant, load: Load) -> float:
    """Wait for as long as compaction may take, under a trickle of starts that makes segments roll; seconds waited."""
    config = running.topics.changelog.config
    period_s = sum(int(config[name]) for name in COMPACTION) / 1000 + CLEANER_S
    began = time.monotonic()
    filling = Filling(load)
    while time.monotonic() - began < period_s:
        await filling.fill(0, load.partitions)
        await asyncio.sleep(1.0)
    return time.monotonic() - began


async def measure(running: BenchPlant, options: Options) -> dict[str, Any]:
    """Fill, and start again."""
    count = options.instances or INSTANCES
    async with Load(running, SILENCE_S) as load:
        empty = await restart(running, load)
        began = time.monotonic()
        marks = 0
        if options.finished:
            await asyncio.to_thread(running.stop, ROLE)
            marks = await write_finished(running, options.finished)
            await asyncio.to_thread(running.start, [ROLE])
        await Filling(load).fill(count, 0)
        filled_s = time.monotonic() - began
        found: dict[str, Any] = {"changelog_mb": changelog_mb(running)}
        if options.faster > 1:
            options.step("waiting for compaction", None)
            found["compaction_waited_s"] = round(await compacted(running, load), 1)
            found["compacted_mb"] = changelog_mb(running)
        options.step("starting again", None)
        full = await restart(running, load)
    return {
        "instances": count,
        "finished": options.finished,
        "marks": marks,
        "filled_s": round(filled_s, 1),
        "fill_rate": round((count + options.finished) / filled_s, 1),
        **found,
        "start_empty_s": round(empty["seconds"], 2),
        "start_full_s": round(full["seconds"], 2),
        "recovery_s": round(full["seconds"] - empty["seconds"], 2),
        "cpu_us_per_instance": round((full["cpu_s"] - empty["cpu_s"]) / count * 1e6, 1),
        "bytes_per_instance": round((full["rss_bytes"] - empty["rss_bytes"]) / count),
    }


def run(options: Options, _emit: Emit) -> dict[str, Any]:
    """Measure on a plant of its own, with the processor alone."""
    flush = options.flushes[0]
    wanted = Wanted(flush, options.partitions, options.services, faster=options.faster)
    with plant(wanted, options.step) as running:
        running.start([ROLE])
        running.deploy("w2")
        return {"workload": "recovery", "durability": durability(flush), **asyncio.run(measure(running, options))}
