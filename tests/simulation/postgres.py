"""The simulated database as a service: sessions end with their process, and at the faults' will."""

from collections.abc import Callable
from typing import Any

from projections.memory_database import MemoryConnection, MemoryDatabase
from tests.simulation.network import Network
from tests.simulation.process import OWNER


class Postgres(MemoryDatabase):
    """One server."""

    def __init__(self, network: Network) -> None:
        super().__init__(network.travel)
        self.network = network
        self.break_commit: Callable[[], str] | None = None
        """Called once, at the next commit: when its connection breaks, ``before`` or ``after`` it has taken place."""

    async def connect(self, *args: Any, **options: Any) -> MemoryConnection:
        """A session of the calling process."""
        session = await super().connect(*args, **options)
        # The machine closes the sockets of a process that is gone, which the server hears of in a while.
        OWNER.get().ends.append(lambda _code: self.network.later(session.end))
        return session

    def commit(self, session: MemoryConnection) -> None:
        """Commit, unless the session breaks before; break it after, where it shall."""
        breaks, self.break_commit = self.break_commit, None
        when = "" if breaks is None else breaks()
        if when == "before":
            session.end()
        else:
            super().commit(session)
        if when == "after":
            session.end()

    def drop_all(self) -> None:
        """``pg_ctl restart -m immediate``."""
        for session in list(self.sessions):
            session.end()
