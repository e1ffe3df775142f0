"""The simulated database as a service: sessions end with their process, and at the faults' will."""

from collections.abc import Callable
from contextvars import Context
from typing import Any

from projections.memory_database import MemoryConnection, MemoryDatabase
from projections.memory_session import MemorySession
from tests.simulation.network import Network
from tests.simulation.process import OWNER, Process


class Postgres(MemoryDatabase):
    """One server."""

    def __init__(self, network: Network) -> None:
        super().__init__(network.travel)
        self.network = network
        self._clients: dict[MemorySession, Process] = {}
        self.break_commit: tuple[str, Callable[[], str]] | None = None
        """Called once, at the next commit of an application: when its connection breaks, ``before`` or ``after`` it has
        taken place.
        """

    async def connect(self, *args: Any, **options: Any) -> MemoryConnection:
        """A session of the calling process."""
        session = await super().connect(*args, **options)
        process = self._clients[session] = OWNER.get()
        # The machine closes the sockets of a process that is gone, which the server hears of in a while.
        process.ends.append(lambda _code: self.network.later(session.end))
        return session

    def holder(self, lock: int) -> Process | None:
        """Whose session holds an advisory lock."""
        session = self.advisory_locks.get(lock)
        return None if session is None else self._clients.get(session)

    def commit(self, session: MemorySession) -> None:
        """Commit, unless the session breaks before; break it after, where it shall."""
        when = ""
        if self.break_commit is not None and self.break_commit[0] == session.application:
            breaks, self.break_commit = self.break_commit[1], None
            when = breaks()
        if when == "before":
            session.end()
        else:
            super().commit(session)
        if when == "after":
            session.end()

    def bring(self, message: Callable[[], None], context: Context) -> None:
        """As every message."""
        self.network.bring(message, context)

    def drop_all(self) -> None:
        """``pg_ctl restart -m immediate``."""
        for session in list(self.sessions):
            session.end()
