"""The supervisor: a small process that starts what ``workers.json`` wants and starts again what has ended.

    command ── workers.json, SIGHUP ──► supervisor ── starts, waits for ──► worker, worker …
    command ── SIGTERM ──► supervisor ends; the workers run on, and the next supervisor adopts them
    state.json ──► Kafka, PostgreSQL, the MQTT broker: ``weir.stack.services``

Whatever ends without having been taken out of the file is started again: with exit code 70
(``streams.transport.fatal``), by a signal, and also with 0, so that SIGTERM to a worker is a clean restart.
``weir.stack.backoff`` tells when.  Stopping workers is the commands' business (``weir.stack.supervision``).  There is
one supervisor a home: it holds ``supervisor.lock`` while it lives.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import msgspec
import psutil

from streams import ready
from weir.stack.backoff import Backoff, in_words
from weir.stack.ending import how_ended
from weir.stack.errors import StackError
from weir.stack.logs import put_aside
from weir.stack.process import Processes, ProcessSpec, record_of
from weir.stack.services import LOOK_S, Services
from weir.stack.state import alive, find_marked
from weir.stack.workers import Worker, WorkersFile

NAME, MODULE = "supervisor", "weir.stack.supervisor"
ADOPTED_POLL_S = 0.2
"""The end of a child is told by SIGCHLD; that of a process which another supervisor started must be looked for."""
LOGS_EVERY_S = 60.0


def supervisor_spec(home: Path) -> ProcessSpec:
    """How to start the supervisor of a home."""
    return ProcessSpec(
        NAME,
        (sys.executable, "-m", MODULE, str(home)),
        cwd=home,
        ready_file=home / "run" / f"{NAME}.ready",
    )


class Supervisor:
    """Keeps the workers of a home running.  ``step`` never blocks for longer than a process takes to start."""

    def __init__(self, home: Path) -> None:
        self._processes = Processes(home)
        self._file = WorkersFile(home)
        self._running: dict[str, subprocess.Popen[bytes] | psutil.Process] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._not_before: dict[str, float] = {}
        """Monotonic seconds of the next start."""
        self._began: dict[str, float] = {}
        self._services = Services(home, self._processes, _say)
        self._logs, self._logs_at = home / "logs", 0.0
        self._adopt(find_marked(home))

    def step(self) -> float:
        """Note what ended and start what is due; returns the seconds after which to look again, at the latest."""
        self._note_ends()
        now = time.monotonic()
        self._look_at_logs(now)
        self._services.step()
        wanted = self._file.read()
        for name in self._not_before.keys() - wanted.keys():  # taken out, and perhaps put in anew some day
            del self._not_before[name], self._backoffs[name]
        missing = wanted.keys() - self._running.keys()
        if any(self._not_before.get(name, 0.0) <= now for name in missing):
            self._start_due(now)
        adopted = any(isinstance(process, psutil.Process) for process in self._running.values())
        waits = [self._not_before.get(name, 0.0) - time.monotonic() for name in missing - self._running.keys()]
        return max(0.0, min([*waits, ADOPTED_POLL_S if adopted else LOOK_S]))

    def hurry(self) -> None:
        """Start at once whatever waits: a command has asked, and what was missing may be there now."""
        self._not_before = dict.fromkeys(self._not_before, 0.0)

    def _look_at_logs(self, now: float) -> None:
        """Of everything that was started in this home, the services too, whose processes run for as long."""
        if now - self._logs_at >= LOGS_EVERY_S:
            self._logs_at = now
            for log in self._logs.glob("*.log"):
                try:
                    put_aside(log)
                except OSError as error:
                    _say(f"{log}: cannot be put aside: {error}")

    def _adopt(self, marked: dict[str, psutil.Process]) -> None:
        """Go on with what an earlier supervisor has started, whether it came to note it or not."""
        with self._file.change() as workers:
            for name, worker in workers.items():
                process = (alive(worker.process) if worker.process else None) or marked.get(name)
                if process is not None:
                    self._running[name] = process
                    self._began[name] = time.monotonic()
                    record = record_of(worker.spec.process(), process)
                    workers[name] = msgspec.structs.replace(worker, process=record)
                    _say(f"{name}: adopted, pid {process.pid}")

    def _note_ends(self) -> None:
        ended = {name: how for name, process in self._running.items() if (how := _end_of(process)) is not None}
        if not ended:
            return
        with self._file.change() as workers:
            for name, how in ended.items():
                process = self._running.pop(name)
                lived_s = time.monotonic() - self._began.pop(name)
                known = workers[name].process if name in workers else None
                if known is None or known.pid != process.pid:
                    _say(f"{name}: pid {process.pid} stopped with {how}")
                    continue
                wait_s = self._backoffs.setdefault(name, Backoff()).ended(lived_s)
                self._not_before[name] = time.monotonic() + wait_s
                workers[name] = msgspec.structs.replace(
                    workers[name], process=None, last_end=how, last_end_at=time.time()
                )
                when = in_words(wait_s)
                _say(f"{name}: ENDED with {how}, pid {process.pid}, after {lived_s:.1f} s; started again {when}")

    def _start_due(self, now: float) -> None:
        with self._file.change() as workers:
            for name, worker in workers.items():
                if name not in self._running and self._not_before.get(name, 0.0) <= now:
                    workers[name] = self._start(worker)

    def _start(self, worker: Worker) -> Worker:
        name, spec = worker.spec.name, worker.spec.process()
        again = worker.last_end_at is not None
        told = {ready.RESTARTS: str(worker.restarts + again), ready.LAST_END: worker.last_end or ""}
        spec = replace(spec, env={**spec.env, **told})
        self._began[name] = time.monotonic()
        try:
            child = self._processes.spawn(spec)
        except StackError as error:
            wait_s = self._backoffs.setdefault(name, Backoff()).ended(0.0)
            self._not_before[name] = time.monotonic() + wait_s
            _say(f"{name}: cannot be started, tried again in {wait_s:g} s: {error}")
            return msgspec.structs.replace(worker, last_end=error.message, last_end_at=time.time())
        self._running[name] = child
        _say(f"{name}: started{' again' if again else ''}, pid {child.pid}")
        record = record_of(spec, psutil.Process(child.pid))
        return msgspec.structs.replace(worker, process=record, restarts=worker.restarts + again, outdated=False)


def _end_of(process: subprocess.Popen[bytes] | psutil.Process) -> str | None:
    """How the process ended, in words; ``None`` while it runs."""
    if isinstance(process, subprocess.Popen):
        code = process.poll()
        return None if code is None else how_ended(code)
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return None
    except psutil.NoSuchProcess:
        pass
    return how_ended(None)


def _say(text: str) -> None:
    """A line of the supervisor's log."""
    sys.stdout.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n")
    sys.stdout.flush()


class Wakeups:
    """Sleeping until a signal comes or time is up.  SIGTERM and SIGINT set ``stop``, SIGHUP ``asked``."""

    def __init__(self) -> None:
        self.stop = self.asked = False
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, self._ask)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def wait(self, seconds: float) -> None:
        """Sleep; a signal that came since the last call ends it at once."""
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)

    def _stop(self, *_: object) -> None:
        self.stop = True

    def _ask(self, *_: object) -> None:
        self.asked = True


def _only_one(home: Path) -> TextIO | None:
    """Hold the home's place for a supervisor; ``None`` when another does."""
    lock = (home / f"{NAME}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def main(argv: list[str]) -> int:
    """Supervise the home ``argv[0]`` until SIGTERM."""
    home = Path(argv[0])
    wakeups = Wakeups()
    lock = _only_one(home)
    if lock is None:
        _say("another supervisor holds this home: nothing to do")
        return os.EX_TEMPFAIL
    with lock:
        supervisor = Supervisor(home)
        ready_file = supervisor_spec(home).ready_file
        assert ready_file is not None
        ready_file.parent.mkdir(exist_ok=True)
        ready_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
        _say(f"supervising {home}")
        while not wakeups.stop:
            if wakeups.asked:
                wakeups.asked = False
                supervisor.hurry()
            wakeups.wait(supervisor.step())
        _say("told to stop: the workers run on")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
