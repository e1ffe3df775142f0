"""Asking processes to end, side by side, and killing those that do not."""

import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from weir.stack.checks import words
from weir.stack.errors import StackError
from weir.stack.progress import Progress

POLL_S = 0.02
KILL_TIMEOUT_S = 10.0

children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very process: they must be waited for when they end, or they stay zombies."""


@dataclass(frozen=True)
class Stopping:
    """A process that shall end: asked by ``signal``, killed after ``timeout_s``."""

    name: str
    process: psutil.Process
    signal: signal.Signals
    timeout_s: float


def stop(targets: Sequence[Stopping], progress: Progress) -> None:
    """Ask all of them, then wait for each.  Raises the first ``StackError`` when every one has been tried."""
    problems: list[StackError] = []
    asked = time.monotonic()
    for target in targets:
        progress(f"stopping {target.name}", None)
    signalled = [target for target in targets if _send(target, target.signal, problems)]
    for target in signalled:
        if has_ended(target.process, asked + target.timeout_s):
            continue
        progress(f"{target.name} did not stop within {target.timeout_s:.0f} s: killing it", None)
        if _send(target, signal.SIGKILL, problems) and not has_ended(target.process, time.monotonic() + KILL_TIMEOUT_S):
            problems.append(
                StackError(
                    f"Expected {target.name} (pid {target.process.pid}) to end after SIGKILL, but it is still there.",
                    "It is stuck in the kernel, most often on a disk: look at `dmesg` and the disk.",
                )
            )
    if problems:
        raise problems[0]


def _send(target: Stopping, number: signal.Signals, problems: list[StackError]) -> bool:
    """Whether the process was there to get the signal; that it must not be signalled is a problem."""
    try:
        target.process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied as error:
        problem = StackError(
            f"Expected to stop {target.name} (pid {target.process.pid}), but it is another user's: {words(error)}",
            "Run `weir down` as the user who ran `weir up`.",
        )
        problems.append(problem)
        return False
    return True


def has_ended(process: psutil.Process, deadline: float) -> bool:
    """Wait until ``deadline`` (monotonic seconds) for the end of a process that need not be a child."""
    while True:
        if _is_over(process):
            child = children.pop(process.pid, None)
            if child is not None:
                child.wait()  # it has ended, and stays a zombie until it is waited for
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)


def _is_over(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
