"""Jobs done at the same time, up to a number; those that wait for nothing, one after the other without a task each."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from streams.cancelling import cancel
from streams.transport.fatal import exit_process

AT_A_STRETCH = 100
"""After so many jobs that waited for nothing others have their turn."""

Job = TypeVar("Job")


class Pool(Generic[Job]):
    """Workers, one task each, come when there is a job for one more and go when none is left."""

    def __init__(self, size: int, do: Callable[[Job], Awaitable[None]]) -> None:
        """``do(job)`` runs for at most ``size`` jobs at a time, begun in the order of ``put``.

        It raises nothing but ``CancelledError``: anything else ends the process.
        """
        self._size, self._do = size, do
        self._jobs: deque[Job] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._one_comes = False

    def put(self, job: Job) -> None:
        """Have ``job`` done."""
        self._jobs.append(job)
        self._call_worker()

    def take_back(self, unwanted: Callable[[Job], bool]) -> list[Job]:
        """Jobs that have not begun and are ``unwanted``: they will not be done."""
        taken = [job for job in self._jobs if unwanted(job)]
        self._jobs = deque(job for job in self._jobs if not unwanted(job))
        return taken

    async def stop(self) -> None:
        """Cancel what runs, and forget the rest."""
        self._jobs.clear()
        await cancel(self._workers)

    def _call_worker(self) -> None:
        if self._jobs and not self._one_comes and len(self._workers) < self._size:
            self._one_comes = True
            worker = asyncio.create_task(self._work(), name="pool worker")
            self._workers.add(worker)
            worker.add_done_callback(self._left)

    async def _work(self) -> None:
        """Do jobs until none is left.  When one waits, the next worker is called: there may be jobs for it."""
        self._one_comes = False
        asyncio.get_running_loop().call_soon(self._call_worker)
        done = 0
        while self._jobs:
            await self._do(self._jobs.popleft())
            done += 1
            if done % AT_A_STRETCH == 0:
                await asyncio.sleep(0)

    def _left(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            exit_process("a job raised", error)
        self._call_worker()
