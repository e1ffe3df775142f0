"""What runs under a home directory: ``state.json``, and the lock that lets one command at a time change it.

A process is known by its pid *and* its start time, so that a pid that the kernel has given to another process is never
signalled.  Every process also carries ``WEIR_HOME`` and ``WEIR_PROCESS`` in its environment: one whose record was never
written (the command was killed right after the start) or no longer fits (the machine's clock was set) is found by them.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from weir.stack.errors import StackError
from weir.stack.progress import Progress

START_TIME_TOLERANCE_S = 1.0
LOCK_TIMEOUT_S = 600.0  # the longest step under the lock is a build of TimescaleDB
HOME_MARK, NAME_MARK = "WEIR_HOME", "WEIR_PROCESS"


class Kept(msgspec.Struct, frozen=True):
    """What else it takes to start a process again as it was: see ``weir.stack.process.ProcessSpec``."""

    env: dict[str, str]
    cwd: str
    account: str | None


class Record(msgspec.Struct, frozen=True):
    """One process that was started.  Times are Unix seconds.

    One that is ``kept`` is started again by the supervisor when it ends: how often, and how it ended last.
    """

    name: str
    pid: int
    created: float
    argv: list[str]
    port: int | None = None
    url: str | None = None
    health_url: str | None = None
    stop_signal: int = 15
    stop_timeout_s: float = 20.0
    kept: Kept | None = None
    restarts: int = 0
    last_end: str | None = None
    last_end_at: float | None = None


class LockedError(StackError):
    """Another command holds the home."""


class State(msgspec.Struct):
    """``state.json``; processes in the order of their start."""

    v: int = 1
    processes: dict[str, Record] = {}


class StateFile:
    """The state of one home directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "state.json"

    def read(self) -> State:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=State)
        except FileNotFoundError:
            return State()
        except msgspec.DecodeError as error:
            raise StackError(
                f"Expected the processes' records in {self._path}, but got: {error}",
                f"Remove {self._path}; processes that still run are found again by `weir up`.",
            ) from error

    def write(self, state: State) -> None:
        """Replace the file at once: a reader sees the old or the new one, never half of it."""
        temporary = self._path.with_suffix(".json.new")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
        temporary.replace(self._path)

    def add(self, record: Record) -> None:
        state = self.read()
        state.processes.pop(record.name, None)  # to the end: the order is that of the starts
        state.processes[record.name] = record
        self.write(state)

    def remove(self, name: str) -> None:
        state = self.read()
        state.processes.pop(name, None)
        self.write(state)

    @contextmanager
    def lock(self, progress: Progress, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        """Hold the home's lock; waits for another command to finish.  Raises ``LockedError``."""
        path = self._home / "lock"
        with path.open("a+") as file:
            deadline = time.monotonic() + timeout_s
            waiting = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    file.seek(0)
                    owner = file.read().strip()
                    if time.monotonic() >= deadline:
                        raise LockedError(
                            f"Expected the lock {path} to be free, but the weir command with pid {owner} has held it "
                            f"for {timeout_s:.0f} s.",
                            f"See what it does (`ps -fp {owner}`), end it, and try again.",
                        ) from None
                    if not waiting:
                        progress(f"waiting for another weir command (pid {owner})", None)
                        waiting = True
                    time.sleep(0.1)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def alive(record: Record) -> psutil.Process | None:
    """The process of this record, or ``None`` when it has ended, even if its pid lives on in another process."""
    return process_since(record.pid, record.created)


def process_since(pid: int, created: float) -> psutil.Process | None:
    """The process of that pid that began at that time (Unix seconds); a zombie counts as none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process if abs(process.create_time() - created) < START_TIME_TOLERANCE_S else None
    except psutil.NoSuchProcess:
        return None


def find_marked(home: Path) -> dict[str, psutil.Process]:
    """What was started under this home, recorded or not, by name: of each name the oldest process, the parent."""
    found: dict[str, tuple[float, psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            if environ.get(HOME_MARK) != str(home) or NAME_MARK not in environ or process.pid == os.getpid():
                continue
            name, created = environ[NAME_MARK], process.create_time()
        except psutil.Error:
            continue  # ended meanwhile, or another user's
        if name not in found or created < found[name][0]:
            found[name] = created, process
    return {name: process for name, (_, process) in found.items()}
