"""How long ``weir verify`` takes: ``python -m benchmarks.verify [--instances 100000] [--json] [--services HOME]``.

The log is W1's: each instance starts, asks for an action, is answered and ends, in ten events.  It is written by the
processor's own code without a worker, and projected by the projector role.  Then the command line runs once, as a
person would run it.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psutil

from benchmarks.core import REDUCE
from benchmarks.meter import Meter
from benchmarks.plant import BenchPlant, Wanted, plant
from benchmarks.rows import rows
from benchmarks.workload import Emit, Options, durability
from benchmarks.written import WrittenLog
from streams.codec import decode_event
from streams.core.commands import CompleteActivity, StartProcess
from streams.core.events import Event
from streams.core.ids import partition_for
from streams.log import opened
from streams.transport.port import TopicPartition
from weir.home import PROJECT

INSTANCES = 100_000
BATCH = 200
HOUR_MS = 3_600_000
POLL_S = 0.02


async def write(running: BenchPlant, count: int) -> None:
    """Write the log of ``count`` instances, from an hour ago on."""
    log = await WrittenLog.open(running.settings, running.topics)
    now = round(time.time() * 1000) - HOUR_MS
    try:
        await log.deploy(REDUCE, now)
        waiting: defaultdict[int, list[StartProcess]] = defaultdict(list)
        for number in range(count):
            key = f"device-{number}"
            variables = {"device_id": key, "temperature": 31.5, "threshold": 25.0, "min_temperature": 18.0}
            partition = partition_for(key, running.topics.partitions)
            waiting[partition].append(StartProcess(definition_id="reduce", key=key, variables=variables))
            if len(waiting[partition]) == BATCH:
                now += 10
                await _batch(log, partition, waiting.pop(partition), now)
        for partition, commands in waiting.items():
            await _batch(log, partition, commands, now + 10)
    finally:
        await log.close()


async def _batch(log: WrittenLog, partition: int, commands: list[StartProcess], now: int) -> None:
    told = await log.do(partition, commands, now)
    requests = [decode_event(value or b"") for _, value, headers in told if headers[0][1] == b"action_requested"]
    await log.do(partition, [_answer(request) for request in requests], now + 5)


def _answer(request: Event) -> CompleteActivity:
    return CompleteActivity(
        instance_id=request.subject,
        activity_id=request.activity_id or "",
        execution=request.data["execution"],
        attempt=request.data["attempt"],
        output={"command": "reduce"},
    )


async def projected(running: BenchPlant, count: int) -> None:
    """Wait until the database holds it all."""
    topic = running.topics.events
    async with opened(running.settings) as log:
        ends = await log.settled([TopicPartition(topic.name, number) for number in range(topic.partitions)])
    async with rows(running) as table:
        await table.caught_up({tp.partition: span.end for tp, span in ends.items()})
        await table.check(10 * count, {"completed": count})


def verify(running: BenchPlant) -> dict[str, Any]:
    """Run the command line; wall time, CPU by process, and the most memory that its processes held at a time."""
    before = Meter(running.services).read()
    began = time.monotonic()
    own = os.times()
    argv = [sys.executable, "-m", "weir.cli.main", "--home", str(running.home), "verify", "--json"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=PROJECT, text=True)
    most = 0
    while process.poll() is None:
        most = max(most, _memory(psutil.Process(process.pid)))
        time.sleep(POLL_S)
    now = os.times()
    seconds = time.monotonic() - began
    used = before.until_now()
    found = json.loads(process.stdout.read() if process.stdout else "")
    cpu = now.children_user + now.children_system - own.children_user - own.children_system
    return {
        "ok": found["ok"] and process.returncode == 0,
        "instances": found["instances"],
        "events": found["events"],
        "seconds": round(seconds, 1),
        "cpu_s": {"verify": round(cpu, 1), **{name: round(used.cpu_s[name], 1) for name in running.services}},
        "rss_mb": round(most / 1e6),
        "foreign_cores": round(max(0.0, used.foreign_cores - cpu / seconds), 2),
    }


def _memory(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Write, project, verify."""
    count, flush = options.instances or INSTANCES, options.flushes[0]
    with plant(Wanted(flush, options.partitions, options.services), options.step) as running:
        options.step(f"writing the log of {count} instances", None)
        asyncio.run(write(running, count))
        running.start(["projector"])
        options.step("projecting it", None)
        asyncio.run(projected(running, count))
        running.stop("projector")
        options.step("verifying it", None)
        found = {"workload": "verify", "durability": durability(flush), **verify(running)}
        emit(found)
        return found


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=INSTANCES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--services", type=Path, metavar="HOME", help="use the services that run under this home")
    asked = parser.parse_args()

    def step(text: str, share: float | None) -> None:
        if share is None:
            print(text, file=sys.stderr)

    options = Options(instances=asked.instances, services=asked.services, flushes=(False,), step=step)

    def emit(found: dict[str, Any]) -> None:
        print(json.dumps(found) if asked.json else "\n".join(f"{name:14} {value}" for name, value in found.items()))

    sys.exit(0 if run(options, emit)["ok"] else 1)


if __name__ == "__main__":
    main()
