"""An event loop without a machine: its time is virtual, its order the seed's, its callbacks belong to processes.

Each process has a queue of its own, in the order that asyncio promises; which process runs next is drawn by the seed.
When none has anything to do, time jumps to the next timer.  So a run takes no time, and the same seed is the same run.
"""

import asyncio
import heapq
import sys
from array import array
from asyncio import events
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from random import Random
from typing import Any

from tests.simulation.process import OWNER, Process, ProcessExit

Callback = Callable[..., object]
MOST_WAITS = 20
"""On the way out of a coroutine."""


class Handle:
    """What ``asyncio.Handle`` and ``TimerHandle`` are to who has them; lighter, since there are millions."""

    __slots__ = ("args", "callback", "context")

    def __init__(self, callback: Callback, args: tuple[Any, ...], context: Context) -> None:
        self.callback: Callback | None = callback
        self.args, self.context = args, context

    def cancel(self) -> None:
        self.callback = None

    def cancelled(self) -> bool:
        return self.callback is None


class VirtualLoop(asyncio.AbstractEventLoop):
    """``asyncio``'s loop as far as tasks, futures and timers need one."""

    def __init__(self, random: Random) -> None:
        self.now = 0.0
        self.times, self.owners = array("d"), array("i")
        """When each callback ran, and the number of its process: what makes two runs the same."""
        self.unhandled: list[str] = []
        """What callbacks of living processes have raised, and nobody has caught."""
        self.tasks: list[asyncio.Task[Any]] = []
        """All that were made: those of a killed process must stay as they are until the run is over."""
        self._generators: list[AsyncGenerator[Any, Any]] = []
        self._random = random.random
        self._runnable: list[Process] = []
        self._timers: list[tuple[float, int, Handle]] = []
        self._count = 0

    # ---- what asyncio calls

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callback, *args: Any, context: Context | None = None) -> Handle:  # type: ignore[override]
        if context is None:
            context = copy_context()
        handle = Handle(callback, args, context)
        process: Process = context[OWNER]  # as in ``_push``, without the call
        if process.alive:
            process.ready.append(handle)
            if not process.runnable and not process.stalled:
                process.runnable = True
                self._runnable.append(process)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(self, delay: float, callback: Callback, *args: Any, context: Context | None = None) -> Handle:  # type: ignore[override]
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Callback, *args: Any, context: Context | None = None) -> Handle:  # type: ignore[override]
        handle = Handle(callback, args, copy_context() if context is None else context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> "asyncio.Task[Any]":  # type: ignore[override]
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, ProcessExit) and OWNER.get().alive:
            self.unhandled.append(f"{OWNER.get().name}: {context.get('message')}: {error!r}")

    # ---- running

    def run(self, until: float) -> None:
        """Run everything that happens up to the time ``until``."""
        with self._current():
            self._run(until)
        self.now = max(self.now, until)

    def _run(self, until: float) -> None:
        """One callback after the other, in one function: there are thousands in each seed."""
        runnable, timers, draw = self._runnable, self._timers, self._random
        ran_at, ran_by = self.times.append, self.owners.append
        while True:
            if not runnable:
                if not timers or timers[0][0] > until:
                    return
                when, _, handle = heapq.heappop(timers)
                if handle.callback is not None:
                    self.now = max(self.now, when)
                    self._push(handle)
                continue
            at = int(draw() * len(runnable)) if len(runnable) > 1 else 0
            process = runnable[at]
            ready = process.ready
            if ready and (process.may_run() if process.strikes else process.alive and not process.stalled):
                handle = ready.popleft()
                callback = handle.callback
                if callback is not None:
                    ran_at(self.now)
                    ran_by(process.number)
                    try:
                        handle.context.run(callback, *handle.args)
                    except BaseException as error:  # noqa: BLE001 - as asyncio does with a callback that raises
                        self._raised(process, handle, error)
            if not ready or process.stalled:
                process.runnable = False
                runnable[at] = runnable[-1]
                runnable.pop()

    def discard(self) -> None:
        """Unwind whatever is suspended, when the run is over and nothing of it counts any more.

        Left to the garbage collector, which finalizes them in any order, they can crash Python 3.11.
        """
        with self._current():
            for task in self.tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro())
            for generator in self._generators:
                _close(generator.aclose())
        self.tasks.clear()
        self._generators.clear()

    @contextmanager
    def _current(self) -> Iterator[None]:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._generators.append, finalizer=lambda _: None)
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def wake(self, process: Process) -> None:
        """Let a process run that has something to do, unless it is stalled."""
        if process.ready and not process.runnable and not process.stalled:
            process.runnable = True
            self._runnable.append(process)

    def _push(self, handle: Handle) -> None:
        process = handle.context[OWNER]
        if process.alive:
            process.ready.append(handle)
            if not process.runnable:
                self.wake(process)

    def _raised(self, process: Process, handle: Handle, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):
            raise error
        if not isinstance(error, ProcessExit):
            self.unhandled.append(f"{process.name}: {handle.callback!r} raised {error!r}")


def _close(coroutine: Any) -> None:
    """Throw ``GeneratorExit`` into a coroutine as often as it waits for something on its way out."""
    for _ in range(MOST_WAITS):
        try:
            coroutine.close()
        except BaseException:  # noqa: BLE001 - whatever it says, it is not listened to
            continue
        return
