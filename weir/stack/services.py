"""Kafka, PostgreSQL and the MQTT broker, kept running: what the supervisor does for them.

They are started by commands, which record them in ``state.json`` and change that under the home's lock.  One that has
ended and still has its record was stopped by nobody, and is started again as it was; while a command is at work it is
the command's business.
"""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from weir.stack import postgres
from weir.stack.backoff import Backoff, in_words
from weir.stack.ending import how_ended
from weir.stack.errors import StackError
from weir.stack.process import Processes, record_of, spec_of
from weir.stack.progress import silent
from weir.stack.state import LockedError, Record, alive, find_marked

LOOK_S = 1.0
AFTER_CRASH: dict[str, Callable[[Path], None]] = {postgres.NAME: postgres.settle}
"""What a home needs before a service starts again in it that was killed."""


@dataclass
class _Ended:
    """A process that has ended: of which pid, how and when (Unix s), and when (monotonic s) the next may start."""

    pid: int
    how: str
    at: float
    not_before: float


class Services:
    """Those of one home that are to be kept (``Record.kept``).  ``say`` writes a line of the supervisor's log."""

    def __init__(self, home: Path, processes: Processes, say: Callable[[str], None]) -> None:
        self._home, self._processes, self._say = home, processes, say
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._ended: dict[str, _Ended] = {}

    def step(self) -> None:
        """Note what has ended, and start what is due; to be called every ``LOOK_S``."""
        dead = {record.name: record for record in self._processes.state.read().processes.values() if _is_dead(record)}
        for record in dead.values():
            if record.name not in self._ended or self._ended[record.name].pid != record.pid:
                self._note_end(record)
        now = time.monotonic()
        due = [name for name in dead if self._ended[name].not_before <= now]
        if due:
            try:
                with self._processes.state.lock(silent, timeout_s=0.0):
                    for name in due:
                        self._start_again(name)
            except LockedError:
                return

    def _note_end(self, record: Record) -> None:
        child = self._children.pop(record.name, None)
        how = how_ended(None if child is None else child.wait())  # it is dead: this only takes its exit code
        wait_s = self._backoffs.setdefault(record.name, Backoff()).ended(time.time() - record.created)
        self._ended[record.name] = _Ended(record.pid, how, time.time(), time.monotonic() + wait_s)
        self._say(f"{record.name}: ENDED with {how}, pid {record.pid}; started again {in_words(wait_s)}")

    def _start_again(self, name: str) -> None:
        record, ended = self._processes.state.read().processes.get(name), self._ended[name]
        if record is None or record.pid != ended.pid or not _is_dead(record):
            return  # a command was faster
        if name in find_marked(self._home):
            return  # children of the process that has ended: they have its files, until they have noted it
        spec = spec_of(record)
        try:
            if name in AFTER_CRASH:
                AFTER_CRASH[name](self._home)
            child = self._processes.spawn(spec)
        except StackError as error:
            wait_s = self._backoffs[name].ended(0.0)
            ended.not_before = time.monotonic() + wait_s
            self._say(f"{name}: cannot be started, tried again in {wait_s:g} s: {error}")
            return
        self._children[name] = child
        again = msgspec.structs.replace(
            record_of(spec, psutil.Process(child.pid)),
            restarts=record.restarts + 1,
            last_end=ended.how,
            last_end_at=ended.at,
        )
        self._processes.state.add(again)
        self._say(f"{name}: started again, pid {child.pid}")


def _is_dead(record: Record) -> bool:
    return record.kept is not None and alive(record) is None
