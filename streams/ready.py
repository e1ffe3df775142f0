"""How a role tells whoever started it that it works now: its pid, in the file that ``WEIR_READY_FILE`` names.

    PID DONE TOTAL    it reads its changelog, and so many records of it are done: whoever waits goes on waiting
    PID               it works; nothing is written from then on

And what a supervisor tells a role that it starts again: how often that was so, and how the last process ended.

A process that runs is not yet one that works: a bridge that has not subscribed misses readings, a worker without
partitions answers nobody.  Under a supervisor that asks for nothing the variable is absent, and this does nothing.
"""

import os
from pathlib import Path
from typing import NamedTuple

VARIABLE = "WEIR_READY_FILE"
RESTARTS, LAST_END = "WEIR_RESTARTS", "WEIR_LAST_END"


class Reached(NamedTuple):
    """How far a recovery is, in records of the changelog, those that compaction has removed included."""

    done: int
    total: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.done / self.total


def announce() -> None:
    """Tell that this process works from now on."""
    _tell()


def recovering(reached: Reached) -> None:
    """Tell how far this process is, which does not work yet."""
    _tell(*reached)


def _tell(*numbers: int) -> None:
    if path := os.environ.get(VARIABLE):
        Path(path).write_text(" ".join(map(str, (os.getpid(), *numbers))) + "\n", encoding="utf-8")


def told(path: Path, pid: int | None) -> Reached | bool:
    """Whether the process of that pid works, or how far its recovery is."""
    try:
        said = path.read_text(encoding="utf-8").split()
    except OSError:
        said = []
    if said[:1] != [str(pid)]:
        return False
    return Reached(*map(int, said[1:])) if said[1:] else True


def restarts() -> tuple[int, str]:
    """How often a supervisor has started this role again, and how its last process ended, in words."""
    number = os.environ.get(RESTARTS, "")
    return int(number) if number.isdecimal() else 0, os.environ.get(LAST_END, "")
