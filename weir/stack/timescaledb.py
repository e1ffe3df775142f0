"""PostgreSQL's programs with the TimescaleDB extension: found on the machine, or installed by ``setup-timescaledb.sh``."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from weir.stack.errors import StackError
from weir.stack.progress import Progress

SCRIPT = Path(__file__).with_name("setup-timescaledb.sh")


def ensure_timescaledb(home: Path, progress: Progress) -> Path:
    """The directory of PostgreSQL's programs; installs PostgreSQL and TimescaleDB when they are missing."""
    found = find()
    if found is not None:
        return found
    raise StackError("TimescaleDB missing", str(SCRIPT))


def find() -> Path | None:
    """The newest PostgreSQL on this machine that has TimescaleDB."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    for postgres in reversed(candidates):
        if (postgres.parents[1] / "lib" / "timescaledb.so").exists():
            return postgres.parent
    return None
