"""How a role tells whoever started it that it works now: its pid, in the file that ``WEIR_READY_FILE`` names.

A process that runs is not yet one that works: a bridge that has not subscribed misses readings, a worker without
partitions answers nobody.  Under a supervisor that asks for nothing the variable is absent, and this does nothing.
"""

import os
from pathlib import Path

VARIABLE = "WEIR_READY_FILE"


def announce() -> None:
    """Tell that this process works from now on."""
    if path := os.environ.get(VARIABLE):
        Path(path).write_text(f"{os.getpid()}\n", encoding="utf-8")
