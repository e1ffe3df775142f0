"""What commands do with supervised workers: say which there shall be, wait for them, stop them, look at them.

Stopping is done here and not by the supervisor, so that it works whether or not there is one.  A worker is stopped for
good with SIGINT: it leaves its consumer group at once, so that others have its partitions, where SIGTERM would keep its
place for a restart.
"""

import signal
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from weir.stack import checks, stopping
from weir.stack.errors import StackError
from weir.stack.process import POLL_S, Processes, ServiceStatus, memory_mb
from weir.stack.progress import Progress
from weir.stack.state import alive, find_marked
from weir.stack.stopping import Stopping
from weir.stack.supervisor import NAME, supervisor_spec
from weir.stack.waiting import Waiting
from weir.stack.workers import Worker, Workers, WorkersFile, WorkerSpec

FAILURES = 3
"""A worker that has ended so often while a command waits for it will not work: the command says so, and the supervisor
goes on trying."""


class Supervision:
    """The supervised workers of one home.  Whoever changes them holds the home's lock."""

    def __init__(self, home: Path, processes: Processes) -> None:
        self._home, self._processes = home, processes
        self._file = WorkersFile(home)

    def workers(self) -> Workers:
        """The workers that are wanted, in the order of starting."""
        return self._file.read()

    def want(self, specs: Sequence[WorkerSpec], progress: Progress) -> None:
        """Have exactly these run, and wait until they work.  What runs as its spec says stays; what was started by
        another one leaves its group and is started again.
        """
        for spec in specs:
            Path(spec.ready_file).parent.mkdir(parents=True, exist_ok=True)
        with self._file.change() as workers:
            before = dict(workers)
            workers.clear()
            for spec in specs:
                known = before.pop(spec.name, None) or Worker(spec=spec)
                outdated = known.outdated or known.spec != spec
                workers[spec.name] = msgspec.structs.replace(known, spec=spec, outdated=outdated)
            restarts = {name: worker.restarts for name, worker in workers.items()}
            others = [worker for worker in workers.values() if worker.outdated]
        for name in self._processes.state.read().processes.keys() & workers.keys():
            self._processes.state.remove(name)  # started once, without a supervisor, which adopts it
        self._have_supervisor(progress)
        self._wake()
        self._stop([*before.values(), *others], progress)
        for spec in specs:
            self._wait_ready(spec, restarts[spec.name], progress)
            progress(f"{spec.name}: ready", 1.0)

    def stop(self, names: Iterable[str], progress: Progress) -> None:
        """Stop these workers for good; the supervisor keeps the others."""
        with self._file.change() as workers:
            taken = [workers.pop(name) for name in names]
        self._stop(taken, progress)

    def down(self, progress: Progress) -> None:
        """Stop the supervisor, then all workers: of the roles that were started last first, those of a role side by
        side.
        """
        self._processes.stop(NAME, progress)
        self.stop(list(self.workers()), progress)

    def running(self) -> list[str]:
        """Names of the workers that run."""
        found = self.workers().items()
        return [name for name, worker in found if worker.process is not None and alive(worker.process) is not None]

    def status(self) -> list[ServiceStatus]:
        """The supervisor, once there is one, and the workers as they are now."""
        there = NAME in self._processes.state.read().processes
        supervisor = [self._processes.status(NAME, alone=True)] if there else []
        return supervisor + [self._status(name, worker) for name, worker in self.workers().items()]

    def _stop(self, workers: Iterable[Worker], progress: Progress) -> None:
        marked = find_marked(self._home)
        problems = []
        for _, of_role in groupby(reversed(list(workers)), lambda worker: worker.spec.role):
            targets = []
            for worker in of_role:
                spec = worker.spec
                process = (alive(worker.process) if worker.process else None) or marked.get(spec.name)
                if process is not None:
                    targets.append(Stopping(spec.name, process, signal.SIGINT, spec.stop_timeout_s))
            try:
                stopping.stop(targets, progress)
            except StackError as error:  # the others stop all the same
                problems.append(error)
        if problems:
            raise problems[0]

    def _have_supervisor(self, progress: Progress) -> None:
        spec = supervisor_spec(self._home)
        if self._processes.launch(spec):
            self._processes.wait_ready(spec, progress)

    def _wake(self) -> None:
        record = self._processes.state.read().processes.get(NAME)
        process = alive(record) if record is not None else None
        if process is not None:
            process.send_signal(signal.SIGHUP)

    def _wait_ready(self, spec: WorkerSpec, restarts: int, progress: Progress) -> None:
        waiting = Waiting(spec.name, spec.ready_timeout_s, progress)
        while True:
            self._have_supervisor(progress)  # it may have been killed just before, or since
            worker = self.workers()[spec.name]
            try:
                checks.announced(Path(spec.ready_file), _pid(worker))
            except checks.NotReadyError as error:
                if waiting.is_over(error) or worker.restarts - restarts >= FAILURES:
                    how = f", and its last process ended with {worker.last_end}" if worker.last_end else ""
                    raise StackError(
                        f"Expected {spec.name} to work, but {error}{how}. The end of "
                        f"{self._processes.log_path(spec.name)}:\n{self._processes.last_lines(spec.name)}",
                        f"The lines above say why; `weir logs {spec.name}` shows them all. The supervisor goes on "
                        "trying until `weir down`.",
                    ) from error
            else:
                return
            time.sleep(POLL_S)

    def _status(self, name: str, worker: Worker) -> ServiceStatus:
        process = alive(worker.process) if worker.process else None
        last_words = self._processes.last_words(name) if worker.last_end else "not started yet"
        try:
            checks.announced(Path(worker.spec.ready_file), process.pid if process else None)
            ready, does = True, ""
        except checks.NotReadyError as error:
            ready, does = False, checks.reading(error.reached) if error.reached else ""
        return ServiceStatus(
            name=name,
            state="dead" if process is None else "running" if ready else "starting",
            pid=process.pid if process else None,
            memory_mb=memory_mb(process) if process else None,
            uptime_s=time.time() - worker.process.created if process and worker.process else None,
            detail=does if process else last_words,
            role=worker.spec.role,
            restarts=worker.restarts,
            last_end=worker.last_end,
            last_end_at=worker.last_end_at,
        )


def _pid(worker: Worker) -> int | None:
    """Of its process, unless that is one that only has to end."""
    return None if worker.process is None or worker.outdated else worker.process.pid
