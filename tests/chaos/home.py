"""The folder of a run, and what is left of runs that were killed."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import psutil

from weir.stack.stack import Stack
from weir.stack.state import process_since

PREFIX = "weir-chaos-"
HOME, OWNER = "home", "owner"
T = TypeVar("T")


def new_folder() -> Path:
    """For the services' home, the roles' logs, and whoever looks at them afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)  # under root the database runs as another account
    (folder / OWNER).write_text(f"{os.getpid()} {psutil.Process().create_time()}")
    return folder


def sweep() -> None:
    """Stop what runs that were killed have left running; their folders stay, for their logs."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
        pid, created = owner.read_text().split()
        if process_since(int(pid), float(created)) is None:
            Stack(owner.parent / HOME).down()
            owner.unlink(missing_ok=True)  # another run may sweep too


def run_to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run``; SIGTERM cancels the work, which then takes everything down."""

    async def main() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    return asyncio.run(main())
