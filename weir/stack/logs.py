"""Logs of processes that run for months: a large one is put aside, and begins anew.

logs/NAME.log      what the process writes, by appending
logs/NAME.log.1    the ``LOG_MAX_BYTES`` before that
"""

import os
import shutil
from pathlib import Path

LOG_MAX_BYTES = 20_000_000


def put_aside(log: Path) -> bool:
    """Put a log aside that has become large; whether it had.

    It is copied and emptied, since its process holds it open and goes on appending.  A line that is written between the
    two is lost.
    """
    try:
        if log.stat().st_size <= LOG_MAX_BYTES:
            return False
    except FileNotFoundError:
        return False
    shutil.copyfile(log, log.with_suffix(".log.1"))
    os.truncate(log, 0)
    return True
