"""The processor without Kafka, as one of the workloads: ``benchmarks/core.py`` in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.workload import Emit, Options

PROGRAM = Path(__file__).parent / "core.py"


def run(options: Options, _emit: Emit) -> dict[str, Any]:
    """CPU of an instance by part of the work, and memory of one that waits."""
    options.step("the core, without Kafka", None)
    count = () if options.instances is None else ("--count", str(options.instances))
    ran = subprocess.run([sys.executable, PROGRAM, "--json", *count], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return {"workload": "core", **found}
