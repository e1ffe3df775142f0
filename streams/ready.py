"""How a role tells whoever started it that it works now: its pid, in the file that ``WEIR_READY_FILE`` names.

And what a supervisor tells a role that it starts again: how often that was so, and how the last process ended.

A process that runs is not yet one that works: a bridge that has not subscribed misses readings, a worker without
partitions answers nobody.  Under a supervisor that asks for nothing the variable is absent, and this does nothing.
"""

import os
from pathlib import Path

VARIABLE = "WEIR_READY_FILE"
RESTARTS, LAST_END = "WEIR_RESTARTS", "WEIR_LAST_END"


def announce() -> None:
    """Tell that this process works from now on."""
    if path := os.environ.get(VARIABLE):
        Path(path).write_text(f"{os.getpid()}\n", encoding="utf-8")


def restarts() -> tuple[int, str]:
    """How often a supervisor has started this role again, and how its last process ended, in words."""
    number = os.environ.get(RESTARTS, "")
    return int(number) if number.isdecimal() else 0, os.environ.get(LAST_END, "")
