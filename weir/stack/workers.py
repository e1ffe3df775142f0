"""What the supervisor keeps running: ``<home>/workers.json``, and the lock that makes starting and unwanting exclusive.

A command writes which workers there shall be; the supervisor writes what became of each.  Either does it within
``change``, which holds ``workers.lock``: for milliseconds, other than the home's lock, which a command holds until
everything is ready.  So a worker that a command has taken out of the file is either in the record that the command got,
or will never be started.  The file holds the settings, and so passwords: only its owner may read it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from weir.stack.errors import StackError
from weir.stack.process import STOP_TIMEOUT_S, ProcessSpec
from weir.stack.state import Record


class WorkerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a worker.  ``ready_file`` is where it writes how far it is, and its pid once it works; for
    ``ready_timeout_s`` it may get no further.  ``reads`` changes with the files that it reads once, at its start.
    """

    name: str
    role: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    ready_file: str
    ready_timeout_s: float = 60.0
    stop_timeout_s: float = STOP_TIMEOUT_S
    reads: str = ""

    def process(self) -> ProcessSpec:
        """As any other process of the stack."""
        return ProcessSpec(
            name=self.name,
            argv=self.argv,
            env=self.env,
            cwd=Path(self.cwd),
            ready_file=Path(self.ready_file),
            ready_timeout_s=self.ready_timeout_s,
            stop_timeout_s=self.stop_timeout_s,
        )


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker, its last process, how often it was started again, and how it ended last (Unix seconds).

    ``outdated``: the process was started by an earlier spec.
    """

    spec: WorkerSpec
    process: Record | None = None
    restarts: int = 0
    last_end: str | None = None
    last_end_at: float | None = None
    outdated: bool = False


Workers = dict[str, Worker]
"""By name, in the order of starting."""


class WorkersFile:
    """The workers of one home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "workers.json"

    def read(self) -> Workers:
        """What there is now."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Workers)
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise StackError(
                f"Expected the workers' records in {self._path}, but got: {error}",
                f"Remove {self._path}; workers that still run are found again by `weir up`.",
            ) from error

    @contextmanager
    def change(self) -> Iterator[Workers]:
        """The workers, to be changed in place; written at the end, at once, unless an exception leaves."""
        with (self._home / "workers.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            workers = self.read()
            yield workers
            temporary = self._path.with_suffix(".json.new")
            temporary.touch(mode=0o600)
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(workers)))
            temporary.replace(self._path)
