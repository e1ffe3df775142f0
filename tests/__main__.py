"""``python -m tests``: the whole suite, some files at a time, then what failed once more, alone.

Tests of whole roles wait for real services, with deadlines.  A machine that others use too may starve them beyond any
deadline, so what failed has a second run with the machine to itself; what fails then has failed.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

AT_ONCE = 2
"""Processes, each with services of its own.  Three are a tenth faster on two cores, and starve the plant of chaos."""
MOST_ONCE_MORE = 5
"""When more have failed, time is not what they lacked."""
TESTS_FAILED = 1
"""Pytest's exit code; others say that the run itself was wrong."""
FAILED = Path(__file__).parent.parent / ".pytest_cache" / "v" / "cache" / "lastfailed"

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4_000_000_000
"""Many times what a run keeps at once; as much again stays free for its processes."""


def run(*options: str) -> int:
    """Run pytest; its exit code."""
    return subprocess.run([sys.executable, "-m", "pytest", *options], check=False).returncode


def main() -> int:
    """The exit code of the run that counts."""
    FAILED.unlink(missing_ok=True)
    # The suite starts hundreds of processes: each would compile every library anew, for seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if has_memory():
        os.environ.setdefault("TMPDIR", str(MEMORY))
    # In the order of ``tests.order``: by their number of tests, the file with the one long test would come last, alone.
    code = run("-n", str(AT_ONCE), "--dist", "loadfile", "--no-loadscope-reorder", *sys.argv[1:])
    if code != TESTS_FAILED or len(failed := json.loads(FAILED.read_text())) > MOST_ONCE_MORE:
        return code
    print(f"\nOnce more, alone: {', '.join(failed)}", flush=True)  # noqa: T201  what a runner says
    return run(*failed)


def has_memory() -> bool:
    """Whether files that nobody needs afterwards may lie in memory.

    Each test has topics and a database of its own, hundreds of small files: on a disk the kernel is at work for them
    for a quarter of the run.
    """
    if not os.access(MEMORY, os.W_OK | os.X_OK) or shutil.disk_usage(MEMORY).free < MEMORY_BYTES:
        return False
    return psutil.virtual_memory().available > 2 * MEMORY_BYTES


if __name__ == "__main__":
    sys.exit(main())
