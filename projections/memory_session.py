"""A session of the simulated database as its server has it: what it has changed, what it holds, what it has to tell.

A transaction changes the tables in place and knows how to take it back; others see a row as it was before, while it is
not committed (READ COMMITTED).
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

import asyncpg

from projections.memory_tables import Tables

if TYPE_CHECKING:
    from projections.memory_database import MemoryDatabase

Listener = Callable[..., None]


class MemorySession:
    """``memory_tables.Session``, and what begins and ends its transactions."""

    def __init__(self, database: "MemoryDatabase", settings: Mapping[str, str]) -> None:
        self._database = database
        self._lock_timeout_s = int(settings.get("lock_timeout", "0")) / 1000 or None
        self._idle_timeout_s = int(settings.get("idle_session_timeout", "0")) / 1000 or None
        self.application = settings.get("application_name", "")
        self._undo: list[Callable[[], Any]] = []
        self._before: dict[int, dict[Hashable, Any]] = {}
        """Rows as they were before the transaction, by table and key."""
        self._depth = 0
        self._held: list[Hashable] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._notices: list[str] = []
        """Channels that are told when the transaction has committed."""
        self.listeners: dict[str, tuple[Listener, Context]] = {}
        """By channel, and in whose context they run."""
        self.lost = False
        """The server has ended the session; the client finds out when it next speaks."""
        self.began_at: float | None = None
        """When the transaction that is open began, in the loop's time."""
        self.idle_since: float | None = asyncio.get_running_loop().time()
        """Since when the session has waited for its client outside a transaction, in the loop's time."""

    # ---- memory_tables.Session

    @property
    def tables(self) -> Tables:
        """All tables."""
        return self._database.tables

    def change(self, table: dict[Any, Any], key: Any, row: Any) -> None:
        """See ``memory_tables.Session``."""
        self._note(table, key)
        table[key] = row

    def remove(self, table: dict[Any, Any], key: Any) -> None:
        """See ``memory_tables.Session``."""
        self._note(table, key)
        del table[key]

    def _note(self, table: dict[Any, Any], key: Any) -> None:
        before = table.get(key)
        self._before.setdefault(id(table), {}).setdefault(key, before)
        if before is None:
            self._undo.append(lambda: table.pop(key, None))
        else:
            self._undo.append(lambda: table.__setitem__(key, before))

    def committed(self, table: dict[Any, Any], key: Any) -> Any:
        """See ``memory_tables.Session``."""
        for hidden in self._hidden(table):
            if key in hidden:
                return hidden[key]
        return table.get(key)

    def rows(self, table: dict[Any, Any]) -> Mapping[Any, Any]:
        """See ``memory_tables.Session``."""
        hidden = self._hidden(table)
        if not hidden:
            return table
        seen = dict(table)
        for before in hidden:
            seen |= before
        return {key: row for key, row in seen.items() if row is not None}

    def _hidden(self, table: dict[Any, Any]) -> list[dict[Hashable, Any]]:
        """What others have changed and not committed, as it was before."""
        of_table = id(table)
        sessions = self._database.sessions
        return [one._before[of_table] for one in sessions if one is not self and of_table in one._before]  # noqa: SLF001

    def notify(self, channel: str) -> None:
        """See ``memory_tables.Session``."""
        self._notices.append(channel)
        self._undo.append(self._notices.pop)

    def end_stopped(self, application: str, after_s: float) -> list[int]:
        """See ``memory_tables.Session``."""
        now = asyncio.get_running_loop().time()
        ended = []
        for number, session in enumerate(list(self._database.sessions)):
            began_at = session.began_at
            is_other = session is not self and session.application == application
            if is_other and began_at is not None and now - began_at > after_s:
                session.end()
                ended.append(number)
        return ended

    # ---- locks

    async def lock(self, row: Hashable) -> None:
        """Lock a row until the transaction ends.  Raises ``LockNotAvailableError``."""
        locks = self._database.locks
        if locks.get(row) not in (None, self):
            try:
                async with asyncio.timeout(self._lock_timeout_s):
                    while (owner := locks.get(row)) is not None:
                        await owner.ended()
            except TimeoutError:
                raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout") from None
            self.check()  # one that has ended while it waited holds nothing
        if row not in locks:
            locks[row] = self
            self._held.append(row)

    def try_lock(self, row: Hashable) -> bool:
        """See ``memory_tables.Session``."""
        locks = self._database.locks
        if row not in locks:
            locks[row] = self
            self._held.append(row)
        return locks[row] is self

    def try_advisory_lock(self, number: int) -> bool:
        """See ``memory_tables.Session``."""
        held = self._database.advisory_locks
        if (owner := held.get(number)) is not None and owner is not self:
            owner.end_if_idle()
        return held.setdefault(number, self) is self

    def end_if_idle(self) -> None:
        """End the session when its client has said nothing for ``idle_session_timeout``.

        The server does that by itself; here whoever could notice asks for it.
        """
        since, now = self.idle_since, asyncio.get_running_loop().time()
        if self._idle_timeout_s is not None and since is not None and now - since > self._idle_timeout_s:
            self.end()

    async def ended(self) -> None:
        """Until the transaction that is open has ended."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    # ---- its end, and that of its transactions

    def end(self) -> None:
        """The session is over; what was not committed is gone."""
        if not self.lost:
            self.lost = True
            self.roll_back_all()
            self._database.sessions.remove(self)
            held = self._database.advisory_locks
            for number in [number for number, owner in held.items() if owner is self]:
                del held[number]

    def check(self) -> None:
        """Raises what asyncpg does when the connection has ended."""
        if self.lost:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    def begin(self) -> int:
        """Begin a transaction, or a savepoint within one; where to roll back to."""
        if self._depth == 0:
            self.began_at = asyncio.get_running_loop().time()
        self._depth += 1
        return len(self._undo)

    def commit(self) -> None:
        """Of a savepoint, or of the transaction."""
        self._depth -= 1
        if self._depth == 0:
            self._database.commit(self)

    async def alone(self, work: Callable[[], Any]) -> Any:
        """A statement outside a transaction, which is one by itself."""
        try:
            done = work()
            result = await done if asyncio.iscoroutine(done) else done
        except BaseException:
            self.roll_back_all()
            raise
        if self._undo:
            self._database.commit(self)
        else:
            self._release()
        return result

    def committed_all(self) -> None:
        """What this session has done lasts, and is told."""
        self._undo.clear()
        notices, self._notices = dict.fromkeys(self._notices), []
        self._release()
        for channel in notices:
            self._database.tell(channel)

    def roll_back(self, savepoint: int) -> None:
        """Take back what was done since ``begin`` returned ``savepoint``."""
        while len(self._undo) > savepoint:
            self._undo.pop()()
        self._depth -= 1
        if self._depth == 0:
            self._release()

    def roll_back_all(self) -> None:
        """Take everything back that is not committed."""
        while self._undo:
            self._undo.pop()()
        self._depth = 0
        self._release()

    def listen(self, channel: str, listener: Listener) -> None:
        """Have ``listener`` called, by the process that calls this, when somebody has told ``channel``."""
        self.listeners[channel] = listener, copy_context()

    def _release(self) -> None:
        self.began_at = None
        self._before.clear()
        for row in self._held:
            del self._database.locks[row]
        self._held.clear()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()
