"""Rebuilding: how fast a processor that starts has its state back, and what ``weir verify`` and ``weir replay`` take.

The state is that of instances that wait.  A processor is stopped and started again: with no state, then with all of it;
the difference is the recovery.
"""

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks import w2
from benchmarks.load import Load, LostError
from benchmarks.plant import PROCESS_ROLES, BenchPlant, Wanted, plant
from benchmarks.rows import rows
from benchmarks.session import Session
from benchmarks.workload import Emit, Options, durability
from weir.home import environment

INSTANCES = 100_000
COMMANDS = {"verify": ("verify",), "projections": ("replay", "--projections"), "state": ("replay", "--state")}
"""Commands of Weir's that read the log again, the last without a processor; their time is that of the whole command."""
SMALLEST_S = 0.1
"""Of a difference between two starts that tells anything."""
TAKEN_OVER = re.compile(r"partition taken over.* records=(\d+)")


def restart(running: BenchPlant) -> tuple[float, float, int]:
    """Stop and start the processor: seconds and CPU seconds until it worked, and the records that it had then."""
    running.stop("processor")
    log = running.stack.log_path("processor")
    before = len(log.read_text(encoding="utf-8"))
    began = time.monotonic()
    running.start(["processor"])
    seconds = time.monotonic() - began
    cpu_s = running.meter().read().cpu_s["processor"]
    said = log.read_text(encoding="utf-8")[before:]
    return seconds, cpu_s, sum(map(int, TAKEN_OVER.findall(said)))


async def wait_in(running: BenchPlant, count: int, limit: int) -> None:
    """Start ``count`` instances that wait for a message, history in the database included."""
    async with Load(running) as load, rows(running) as table:
        session = Session(running, load, table, lambda _name, _figures: None)
        await w2.start(session, count, limit)
        await table.check(load.events, {"running": count})


def command(running: BenchPlant, *words: str) -> dict[str, Any]:
    """Run a command of Weir's on the plant; its time, CPU, and what it said.  Raises ``LostError`` when it fails."""
    argv = [sys.executable, "-m", "weir.cli.main", "--home", str(running.home), *words, "--json"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        argv, env={**os.environ, **environment(running.settings)}, capture_output=True, text=True, check=False
    )
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise LostError(
            f"weir {' '.join(words)} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said: dict[str, Any] = json.loads(done.stdout)
    return {"seconds": round(seconds, 2), "cpu_s": round(cpu_s, 2), "said": said}


def run(options: Options, emit: Emit) -> dict[str, Any]:
    """Recover; then whatever reads the log again."""
    count, flush = options.instances or INSTANCES, options.flushes[0]
    with plant(Wanted(flush, options.partitions, options.services), options.step) as running:
        running.start(PROCESS_ROLES)
        running.deploy("w2")
        empty_s, empty_cpu_s, _ = restart(running)
        asyncio.run(wait_in(running, count, w2.OUTSTANDING))
        full_s, full_cpu_s, records = restart(running)
        commands = {}
        for name, words in COMMANDS.items():
            if name == "state":
                running.stop("processor")
            commands[name] = command(running, *words)
    more_s = full_s - empty_s
    recovered = {
        "instances": count,
        "records": records,
        "start_empty_s": round(empty_s, 2),
        "start_full_s": round(full_s, 2),
        "rate": round(records / more_s, 1) if more_s > SMALLEST_S else None,
        "cpu_us_per_record": round((full_cpu_s - empty_cpu_s) / max(1, records) * 1e6, 1),
    }
    emit({"workload": "replay-recovery", "durability": durability(flush), **recovered})
    for name, found in commands.items():
        rate = round(count / found["seconds"], 1)
        emit({"workload": f"replay-{name}", "durability": durability(flush), "instances": count, "rate": rate, **found})
    seconds = {f"{name}_s": found["seconds"] for name, found in commands.items()}
    return {"workload": "replay", "durability": durability(flush), **recovered, **seconds}
