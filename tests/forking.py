"""Processes for tests that begin with the libraries imported: importing them is most of what a role's start costs.

A server of Python's own ``multiprocessing`` imports ``tests.preloaded`` once a run and is forked for each process.
A fork has an environment, a command line and an output of its own, as a process that is executed has.  That a role
starts from nothing is for the tests that run the command line, the stack, chaos and the benchmarks: they execute.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """``target(*arguments)`` in a process of its own, with ``environment``; what it prints and logs goes to ``log``.

    ``target`` is a function of a module, ``arguments`` can be pickled.
    """

    def __init__(
        self, log: Path, environment: Mapping[str, str], target: Callable[..., object], *arguments: object
    ) -> None:
        self.log = log
        log.touch()  # whoever looks at it may be faster than the fork
        self._process = _SERVER.Process(target=_run, args=(log, dict(environment), target, arguments), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, ``-signal`` when it was killed; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing, when it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def join(self) -> None:
        """Wait for its end, and let go of it."""
        self._process.join()

    async def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        while (code := self.returncode) is None:  # noqa: ASYNC110  the server is told, not this loop
            await asyncio.sleep(0.01)
        return code

    async def finish(self, deadline_s: float = 120) -> tuple[int, str]:
        """Wait for its end; returns the exit code, and all that it has said."""
        async with asyncio.timeout(deadline_s):
            code = await self.wait()
        return code, self.log.read_text()


def _run(log: Path, environment: dict[str, str], target: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """The fork: becomes what an executed process would be, then calls."""
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]  # as with ``python -u``
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [place for place in environment.get("PYTHONPATH", "").split(os.pathsep) if place]
    target(*arguments)
