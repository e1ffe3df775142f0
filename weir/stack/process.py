"""Processes of the stack: start detached, wait until healthy, stop by pid, see what became of them.

A process is a child in a session of its own, so that it outlives the command that started it; its output goes to
``<home>/logs/<name>.log``; its record to ``<home>/state.json`` (``weir.stack.state``).
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from weir.stack import checks, stopping
from weir.stack.accounts import run_options
from weir.stack.checks import Check, words
from weir.stack.errors import StackError
from weir.stack.logs import put_aside
from weir.stack.ports import check_free
from weir.stack.progress import Progress
from weir.stack.state import HOME_MARK, NAME_MARK, Kept, Record, StateFile, alive, find_marked
from weir.stack.waiting import Waiting

POLL_S = 0.05
LOG_LINES_IN_ERRORS = 15
LOG_TAIL_BYTES = 16_384
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class ProcessSpec:
    """What to start and how to tell that it works.

    ``env`` is added to the caller's environment.  ``ready`` raises until the process is healthy; so does ``ready_file``
    until the process has written its pid there, and ``ready_timeout_s`` begins anew whenever that tells of progress
    (``streams.ready``).  ``health_url`` is the same question for a process that answers HTTP, and is remembered, so
    that a later `weir status` can ask it too.
    ``port`` and ``other_ports`` must be free.  ``stop_signal`` asks the process to end; after ``stop_timeout_s`` it is
    killed.  ``account`` is who to run as, for a caller that is root.  ``kept``: the supervisor, where there is one,
    starts it again when it ends (``weir.stack.services``).
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    port: int | None = None
    other_ports: tuple[int, ...] = ()
    url: str | None = None
    ready: Check | None = None
    ready_file: Path | None = None
    health_url: str | None = None
    ready_timeout_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = STOP_TIMEOUT_S
    account: str | None = None
    kept: bool = False


ServiceState = Literal["running", "starting", "stopped", "dead", "unhealthy", "external"]


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `weir status`.

    ``starting``: it runs and does not work yet; ``dead``: it was started and has ended without being stopped;
    ``unhealthy``: it runs and does not answer as it should; ``external``: the user's own, not started here.
    ``memory_mb`` and ``uptime_s``: ``None`` when none runs.  A worker has a ``role``, and how often the supervisor has
    started it again; ``last_end`` tells how its last process ended, ``last_end_at`` when (Unix seconds).
    """

    name: str
    state: ServiceState
    pid: int | None = None
    port: int | None = None
    memory_mb: float | None = None
    uptime_s: float | None = None
    url: str | None = None
    detail: str = ""
    role: str | None = None
    restarts: int = 0
    last_end: str | None = None
    last_end_at: float | None = None


class Processes:
    """The processes under one home.  Whoever changes them holds the home's lock."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.state = StateFile(home)

    def log_path(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.log"

    def launch(self, spec: ProcessSpec) -> bool:
        """Start the process unless it runs; tells whether it had to.  Does not wait for its health."""
        record = self.state.read().processes.get(spec.name)
        if record is not None and alive(record) is not None:
            return False
        unrecorded = find_marked(self._home).get(spec.name)
        if unrecorded is not None:
            self.state.add(record_of(spec, unrecorded))
            return False
        for port in (spec.port, *spec.other_ports):
            if port is not None:
                check_free(spec.name, port)
        child = self.spawn(spec)
        stopping.children[child.pid] = child
        self.state.add(record_of(spec, psutil.Process(child.pid)))
        return True

    def wait_ready(self, spec: ProcessSpec, progress: Progress) -> str:
        """Wait until the process is healthy; returns the check's detail.  Raises when it dies or gets no further."""
        waiting = Waiting(spec.name, spec.ready_timeout_s, progress)
        while True:
            record = self.state.read().processes[spec.name]
            check = _check_of(spec.ready, spec.health_url, spec.ready_file, record.pid)
            if alive(record) is None:
                raise StackError(
                    f"{spec.name} ended while it started. The end of {self.log_path(spec.name)}:\n"
                    f"{self.last_lines(spec.name)}",
                    f"The lines above say why; `weir logs {spec.name}` shows them all.",
                )
            if check is None:
                return ""
            try:
                return check()
            except Exception as error:
                if waiting.is_over(error):
                    raise StackError(
                        f"Expected {spec.name} to be healthy within {waiting.limit}, "
                        f"but got: {words(error)}\n"
                        f"The end of {self.log_path(spec.name)}:\n{self.last_lines(spec.name)}",
                        f"`weir logs {spec.name}` shows the whole log; `weir down` and `weir up` start it afresh.",
                    ) from error
            time.sleep(POLL_S)

    def stop(self, name: str, progress: Progress) -> None:
        """Ask the process to end, kill it when it does not.  Does nothing when it is not running."""
        record = self.state.read().processes.get(name)
        process = (alive(record) if record is not None else None) or find_marked(self._home).get(name)
        if process is not None:
            stop_signal = signal.Signals(record.stop_signal) if record is not None else signal.SIGTERM
            timeout_s = record.stop_timeout_s if record is not None else STOP_TIMEOUT_S
            stopping.stop([stopping.Stopping(name, process, stop_signal, timeout_s)], progress)
        self.state.remove(name)

    def names(self) -> list[str]:
        """What was started and not stopped, in the order of the starts; what has no record comes last."""
        recorded = list(self.state.read().processes)
        return recorded + [name for name in find_marked(self._home) if name not in recorded]

    def status(self, name: str, check: Check | None = None, *, alone: bool = False) -> ServiceStatus:
        """What became of the process; ``check`` asks a running one for its health.  Its children's memory is its own,
        unless it counts ``alone``.
        """
        record = self.state.read().processes.get(name)
        if record is None:
            return ServiceStatus(name, "stopped")
        process = alive(record)
        if process is None:
            return ServiceStatus(name, "dead", port=record.port, url=record.url, detail=self.last_words(name))
        state: ServiceState = "running"
        detail = ""
        check = _check_of(check, record.health_url)
        if check is not None:
            try:
                detail = check()
            except Exception as error:  # noqa: BLE001  whatever a check raises is what status shows
                state, detail = "unhealthy", words(error)
        return ServiceStatus(
            name=name,
            state=state,
            pid=process.pid,
            port=record.port,
            memory_mb=memory_mb(process, alone=alone),
            uptime_s=time.time() - record.created,
            url=record.url,
            detail=detail,
            restarts=record.restarts,
            last_end=record.last_end,
            last_end_at=record.last_end_at,
        )

    def last_lines(self, name: str, count: int = LOG_LINES_IN_ERRORS) -> str:
        """The end of the process's log; empty when there is none."""
        try:
            with self.log_path(name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-count:])

    def last_words(self, name: str) -> str:
        """The last line of the log that is no stack frame: in Java's and Python's traces alike, what was raised."""
        spoken = [line for line in self.last_lines(name, LOG_LINES_IN_ERRORS).splitlines() if line.strip()]
        return next((line for line in reversed(spoken) if not line[0].isspace()), "")

    def spawn(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        """Start a child, without a record; whoever does keeps the child."""
        log = self.log_path(spec.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        put_aside(log)
        try:
            with log.open("ab") as output:
                child: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603  a spec's program, no shell
                    spec.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **spec.env, HOME_MARK: str(self._home), NAME_MARK: spec.name},
                    cwd=spec.cwd or Path.cwd(),
                    start_new_session=True,
                    **run_options(spec.account),  # type: ignore[call-overload]
                )
                return child
        except OSError as error:
            raise StackError(
                f"Expected to start {spec.name} ({spec.argv[0]}), but got: {words(error)}",
                "Check that the program exists and may be executed.",
            ) from error


def record_of(spec: ProcessSpec, process: psutil.Process) -> Record:
    """What is remembered of a process that was started."""
    return Record(
        name=spec.name,
        pid=process.pid,
        created=process.create_time(),
        argv=list(spec.argv),
        port=spec.port,
        url=spec.url,
        health_url=spec.health_url,
        stop_signal=spec.stop_signal,
        stop_timeout_s=spec.stop_timeout_s,
        kept=Kept(dict(spec.env), str(spec.cwd or Path.cwd()), spec.account) if spec.kept else None,
    )


def spec_of(record: Record) -> ProcessSpec:
    """How to start a process that is ``kept`` again, as it was; without how to tell that it works."""
    assert record.kept is not None
    return ProcessSpec(
        name=record.name,
        argv=tuple(record.argv),
        env=record.kept.env,
        cwd=Path(record.kept.cwd),
        port=record.port,
        url=record.url,
        health_url=record.health_url,
        stop_signal=signal.Signals(record.stop_signal),
        stop_timeout_s=record.stop_timeout_s,
        account=record.kept.account,
        kept=True,
    )


def _check_of(
    check: Check | None, health_url: str | None, ready_file: Path | None = None, pid: int | None = None
) -> Check | None:
    if check is None and health_url is not None:
        return lambda: checks.http(health_url)
    if check is None and ready_file is not None:
        return lambda: checks.announced(ready_file, pid)
    return check


def memory_mb(process: psutil.Process, *, alone: bool = False) -> float | None:
    """Memory of the process and its children; pages that they share count once."""
    total = 0
    try:
        for one in [process, *([] if alone else process.children(recursive=True))]:
            total += one.memory_full_info().pss
    except psutil.Error:
        return None
    return total / 1e6
