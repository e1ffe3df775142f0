"""Free space, asked before it is needed."""

import shutil
from pathlib import Path

from weir.stack.errors import StackError


def check_space(directory: Path, needed_bytes: int, purpose: str) -> None:
    """Raise a ``StackError`` when the directory's file system has less than that free."""
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise StackError(
            f"Expected {needed_bytes / 1e6:.0f} MB free for {purpose} in {directory}, but got {free / 1e6:.0f} MB.",
            "Free some space, or choose another place (WEIR_HOME for data, WEIR_CACHE for downloads).",
        )
