"""``python -m tests``: the whole suite, some files at a time, then what failed once more, alone.

Tests of whole roles wait for real services, with deadlines.  A machine that others use too may starve them beyond any
deadline, so what failed has a second run with the machine to itself; what fails then has failed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

AT_ONCE = 2
"""Processes, each with services of its own.  Three are a tenth faster on two cores, and starve the plant of chaos."""
MOST_ONCE_MORE = 5
"""When more have failed, time is not what they lacked."""
TESTS_FAILED = 1
"""Pytest's exit code; others say that the run itself was wrong."""
FAILED = Path(__file__).parent.parent / ".pytest_cache" / "v" / "cache" / "lastfailed"


def run(*options: str) -> int:
    """Run pytest; its exit code."""
    return subprocess.run([sys.executable, "-m", "pytest", *options], check=False).returncode


def main() -> int:
    """The exit code of the run that counts."""
    FAILED.unlink(missing_ok=True)
    # The suite starts hundreds of processes: each would compile every library anew, for seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # In the order of ``tests.order``: by their number of tests, the file with the one long test would come last, alone.
    code = run("-n", str(AT_ONCE), "--dist", "loadfile", "--no-loadscope-reorder", *sys.argv[1:])
    if code != TESTS_FAILED or len(failed := json.loads(FAILED.read_text())) > MOST_ONCE_MORE:
        return code
    print(f"\nOnce more, alone: {', '.join(failed)}", flush=True)  # noqa: T201  what a runner says
    return run(*failed)


if __name__ == "__main__":
    sys.exit(main())
