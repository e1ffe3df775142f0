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

from weir.stack import checks
from weir.stack.checks import Check
from weir.stack.errors import StackError
from weir.stack.ports import check_free
from weir.stack.progress import Progress
from weir.stack.state import HOME_MARK, NAME_MARK, Record, StateFile, alive, find_marked

POLL_S = 0.05
LOG_LINES_IN_ERRORS = 15
LOG_MAX_BYTES = 20_000_000
KILL_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class ProcessSpec:
    """What to start and how to tell that it works.

    ``env`` is added to the caller's environment.  ``ready`` raises until the process is healthy; ``health_url`` is the same
    question for a process that answers HTTP, and is remembered, so that a later `weir status` can ask it too.
    ``stop_signal`` asks the process to end; after ``stop_timeout_s`` it is killed.  ``user`` is the account to run as, for a
    caller that is root.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    port: int | None = None
    other_ports: tuple[int, ...] = ()
    url: str | None = None
    ready: Check | None = None
    health_url: str | None = None
    ready_timeout_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 20.0
    user: str | None = None

    @property
    def check(self) -> Check | None:
        if self.ready is not None:
            return self.ready
        url = self.health_url
        return (lambda: checks.http(url)) if url is not None else None


ServiceState = Literal["running", "stopped", "dead", "unhealthy", "external"]


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `weir status`.  ``memory_mb`` and ``uptime_s`` are ``None`` when no process runs."""

    name: str
    state: ServiceState
    pid: int | None = None
    port: int | None = None
    memory_mb: float | None = None
    uptime_s: float | None = None
    url: str | None = None
    detail: str = ""


class Processes:
    """The processes under one home.  Whoever changes them holds the home's lock."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.state = StateFile(home)

    def log_path(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.log"

    def running(self, name: str) -> psutil.Process | None:
        """The live process of that name; one that runs without a fitting record gets its record back."""
        record = self.state.read().processes.get(name)
        return alive(record) if record is not None else None

    def launch(self, spec: ProcessSpec) -> bool:
        """Start the process unless it runs; tells whether it had to.  Does not wait for its health."""
        if self.running(spec.name) is not None:
            return False
        orphan = find_marked(self._home, spec.name)
        if orphan is not None:
            self._record(spec, orphan)
            return False
        for port in (spec.port, *spec.other_ports):
            if port is not None:
                check_free(spec.name, port)
        log = self.log_path(spec.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
            log.replace(log.with_suffix(".log.1"))
        environ = {**os.environ, **spec.env, HOME_MARK: str(self._home), NAME_MARK: spec.name}
        with log.open("ab") as output:
            try:
                child = subprocess.Popen(  # noqa: S603  our own specs, no shell
                    spec.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environ,
                    cwd=spec.cwd or self._home,
                    start_new_session=True,
                    user=spec.user,
                    group=spec.user,
                    extra_groups=[] if spec.user else None,
                )
            except OSError as error:
                raise StackError(
                    f"Expected to start {spec.name} ({spec.argv[0]}), but got: {error}",
                    "Check that the program exists and may be executed.",
                ) from error
        self._record(spec, psutil.Process(child.pid))
        _children[child.pid] = child
        return True

    def wait_ready(self, spec: ProcessSpec, progress: Progress) -> str:
        """Wait until the process is healthy; returns the check's detail.  Raises when it dies or takes too long."""
        check = spec.check
        if check is None:
            return ""
        progress(f"waiting for {spec.name}", None)
        deadline = time.monotonic() + spec.ready_timeout_s
        while True:
            if self.running(spec.name) is None:
                raise StackError(
                    f"{spec.name} ended while it started. The last lines of {self.log_path(spec.name)}:\n{self.last_lines(spec.name)}",
                    f"The lines above say why; `weir logs {spec.name}` shows all of them.",
                )
            try:
                return check()
            except Exception as error:  # noqa: BLE001  a check may raise anything while its service starts
                if time.monotonic() > deadline:
                    raise StackError(
                        f"Expected {spec.name} to be healthy within {spec.ready_timeout_s:.0f} s, but got: {_words(error)}\n"
                        f"The last lines of {self.log_path(spec.name)}:\n{self.last_lines(spec.name)}",
                        f"`weir logs {spec.name}` shows the whole log; `weir down` and `weir up` start it afresh.",
                    ) from error
            time.sleep(POLL_S)

    def stop(self, name: str, progress: Progress) -> None:
        """Ask the process to end, kill it when it does not.  Does nothing when it is not running."""
        record = self.state.read().processes.get(name)
        if record is None:
            return
        process = alive(record)
        if process is not None:
            progress(f"stopping {name}", None)
            process.send_signal(record.stop_signal)
            if not _ended(process, record.stop_timeout_s):
                progress(f"{name} did not stop within {record.stop_timeout_s:.0f} s: killing it", None)
                process.kill()
                if not _ended(process, KILL_TIMEOUT_S):
                    raise StackError(
                        f"Expected {name} (pid {process.pid}) to end after SIGKILL, but it is still there.",
                        "It is stuck in the kernel, most often on a disk: look at `dmesg` and the disk.",
                    )
        self.state.remove(name)

    def status(self, name: str, check: Check | None = None, url: str | None = None) -> ServiceStatus:
        record = self.state.read().processes.get(name)
        if record is None:
            return ServiceStatus(name, "stopped", url=url)
        process = alive(record)
        if process is None:
            return ServiceStatus(name, "dead", port=record.port, url=record.url, detail=self._last_line(name))
        health_url = record.health_url
        if check is None and health_url is not None:
            check = lambda: checks.http(health_url)  # noqa: E731
        state: ServiceState = "running"
        detail = ""
        if check is not None:
            try:
                detail = check()
            except Exception as error:  # noqa: BLE001  whatever a check raises is what status shows
                state, detail = "unhealthy", _words(error)
        return ServiceStatus(
            name, state, process.pid, record.port, _memory_mb(process), time.time() - record.created, record.url, detail
        )

    def last_lines(self, name: str, count: int = LOG_LINES_IN_ERRORS) -> str:
        """The end of the process's log; empty when there is none."""
        try:
            with self.log_path(name).open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 16_384))
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-count:])

    def _last_line(self, name: str) -> str:
        return self.last_lines(name, 1)

    def _record(self, spec: ProcessSpec, process: psutil.Process) -> None:
        self.state.add(
            Record(
                name=spec.name,
                pid=process.pid,
                created=process.create_time(),
                argv=list(spec.argv),
                port=spec.port,
                url=spec.url,
                health_url=spec.health_url,
                stop_signal=spec.stop_signal,
                stop_timeout_s=spec.stop_timeout_s,
            )
        )


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very process: they must be waited for when they end, or they stay zombies."""


def _ended(process: psutil.Process, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        child = _children.get(process.pid)
        if child is not None and child.poll() is not None:
            del _children[process.pid]
            return True
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(POLL_S)
    return False


def _memory_mb(process: psutil.Process) -> float | None:
    """Memory of the process and its children; shared pages count once."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_full_info().pss
    except psutil.Error:
        return None
    return total / 1e6


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
