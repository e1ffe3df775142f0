"""The benchmarks run: every workload tiny, on the services of the session.  Shapes and consistency, never speed."""

import asyncio
import json
import sys
from typing import Any

import pytest

from benchmarks.cli import WORKLOADS
from streams.core.activities import KINDS
from weir.home import PROJECT
from weir.stack.stack import Stack

RUNS = (
    ("w1", "w2", "scale", "recovery"),
    ("w3", "telemetry", "activities", "stopped"),
    ("replay", "core", "patterns", "api", "sse"),
)
"""At once: each waits for its roles for half of its time."""
ON_THE_PATH = {"processor", "actions", "projector", "kafka", "postgres", "load"}
INSTANCES = 20
TIMEOUT_S = 540


pytestmark = pytest.mark.timeout(600)


async def run(stack: Stack, *workloads: str) -> list[dict[str, Any]]:
    """The lines of one run."""
    arguments = ("-m", "benchmarks", *workloads, "--smoke", "--json", "--quiet", "--services", str(stack.home))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(TIMEOUT_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    lines = [json.loads(line) for line in out.decode().splitlines()]
    assert lines[-1]["workload"] == workloads[-1]
    return lines


async def test_every_workload_measures_and_finds_nothing_lost(running_stack: Stack):
    assert {name for names in RUNS for name in names} == WORKLOADS.keys()
    ran = await asyncio.gather(*(run(running_stack, *workloads) for workloads in RUNS))
    lines = [line for lines in ran for line in lines]
    found = {line["workload"]: line for line in lines}

    w1, closed = found["w1"], found["w1-closed"]
    assert w1["cpu_us_per_instance"].keys() == ON_THE_PATH == w1["rss_mb_by_process"].keys()
    assert w1["rate"] == closed["rate"] > 0
    assert w1["rate_at_event"] >= w1["rate"]  # a row is never there before its event
    assert 0 < w1["p50_ms"] <= w1["p99_ms"]
    assert w1["row_p50_ms"] >= w1["p50_ms"]
    assert closed["events_per_instance"] == 10
    assert w1["rss_mb"] > 0
    assert found["w1-open20"]["instances"] == INSTANCES

    api = found["api"]
    assert api["starts_per_s"] > 0 < api["get_p50_ms"]
    assert api["rows"] == INSTANCES
    assert found["api-start"]["cpu_us_per_request"].keys() >= {"api", "kafka"}

    sse = found["sse"]
    assert (sse["clients"], sse["starts"]) == (INSTANCES, 10)
    assert sse["events"] >= sse["clients"] * sse["starts"]
    assert 0 < sse["p50_ms"] <= sse["p99_ms"]
    assert sse["cpu_us_per_event"].keys() >= {"api", "processor", "kafka"}

    assert found["w2-start"]["instances"] == found["w2-signal"]["instances"] == INSTANCES
    assert found["w2"]["rate"] > 0
    assert found["w2"]["signal_rate"] > 0
    assert found["w3"]["instances"] == INSTANCES
    assert 0 <= found["w3"]["min_ms"] <= found["w3"]["p50_ms"] <= found["w3"]["p99_ms"]
    routed = [line for line in lines if line["workload"].startswith("telemetry-router")]
    assert [line["commands"] >= 2 for line in routed] == [True, True]
    assert found["telemetry-rows"]["readings"] <= sum(line["readings"] for line in routed)
    assert found["replay"]["records"] >= INSTANCES
    assert found["replay-verify"]["said"]["ok"] is True
    assert found["replay-projections"]["said"]["tables"]["process_instances"]["rows"] >= INSTANCES
    assert found["replay-state"]["said"]["repaired"] == 0
    recovery = found["recovery"]
    assert (recovery["instances"], recovery["finished"], recovery["marks"]) == (INSTANCES, 30, 30)
    assert recovery["changelog_mb"] > 0
    assert recovery["start_full_s"] > 0
    scale = found["scale"]
    actions = ("join", "leave", "restarted")
    assert [found[f"scale-{name}"]["moved_ms"] for name in actions] == [scale[name]["moved_ms"] for name in actions]
    assert min(scale[name]["moved_ms"] for name in actions) > 0
    stopped = found["stopped"]
    assert stopped["ratio"] > 0
    assert stopped["processor_us_ratio"] > 0
    assert stopped["instances"] >= INSTANCES
    assert found["core"]["cpu_us_per_instance"]["total"] > 0
    assert found["activities"]["us"].keys() == KINDS.keys()
