"""A process: everything that carries its name in the context, and how it ends.

Killed, its callbacks, timers and memory are gone at once, between two of its callbacks: at any ``await``.  Stalled
(SIGSTOP), they are held, and go on later as if nothing had been: a zombie.
"""

from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any, NoReturn

EXIT_FATAL = 70
KILLED = -9


class ProcessExit(BaseException):
    """Stands for ``os._exit``: what has called does not go on, and nothing may catch it."""


class Process:
    """One process of a machine; ``ends`` are called with the exit code when it is over."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.ready: deque[Any] = deque()
        self.alive, self.stalled, self.runnable = True, False, False
        self.clock_ahead_s = 0.0
        """How much its wall clock differs from the others'."""
        self.why = ""
        self.ends: list[Callable[[int], None]] = []
        self.strikes = 0
        """Before which callback from now; 0 for none."""
        self._strike: Callable[[], None] | None = None
        self._requests_left = 0
        self._only_transactional = False

    def context(self) -> Context:
        """What runs in it belongs to this process."""
        context = copy_context()
        context.run(OWNER.set, self)
        return context

    def strike_after(
        self, strike: Callable[[], None], *, callbacks: int = 0, requests: int = 0, only_transactional: bool = False
    ) -> None:
        """Have ``strike()`` called before the process's callback number ``callbacks`` from now; or when it has sent so
        many ``requests`` (those of transactions, if only they count), with the last one on its way.
        """
        self._strike, self.strikes, self._requests_left = strike, callbacks, requests
        self._only_transactional = only_transactional

    def asks(self, *, transactional: bool = False) -> None:
        """Called for each request that it sends."""
        if self._requests_left and (transactional or not self._only_transactional):
            self._requests_left -= 1
            if not self._requests_left:
                self.strikes = 1

    def may_run(self) -> bool:
        """Called before each callback while something is to strike; false when it has, and nothing may run."""
        self.strikes -= 1
        if self.strikes == 0 and self._strike is not None:
            strike, self._strike = self._strike, None
            strike()
        return self.alive and not self.stalled

    def end(self, code: int, why: str = "") -> None:
        """Be gone."""
        if self.alive:
            self.alive, self.why = False, why
            self.ready.clear()
            for tell in self.ends:
                tell(code)

    def exit(self, message: str, error: BaseException | None = None) -> NoReturn:
        """``transport.fatal.Fatal``: the process finds that it cannot go on."""
        self.end(EXIT_FATAL, f"{message} ({error!r})" if error is not None else message)
        raise ProcessExit(message)


NOBODY = Process("world", 0)
OWNER: ContextVar[Process] = ContextVar("owner", default=NOBODY)
"""Whose callback is running."""
