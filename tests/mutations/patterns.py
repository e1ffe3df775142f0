"""Bugs in what the processor keeps for patterns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.core import matching
from streams.core.patterns import Pattern, Window
from streams.timers import Timers
from tests.mutations.replacing import replaced


@contextmanager
def lose_silence_on_takeover() -> Iterator[None]:
    """Who takes a partition over waits for no silence that began before."""

    def without(original: Any) -> Any:
        return lambda self, entity: None if isinstance(entity, Window) else original(self, entity)

    with replaced(Timers, "restore", without):
        yield


@contextmanager
def count_again() -> Iterator[None]:
    """Now and then a reading counts twice."""

    def again(original: Any) -> Any:
        def observe(self: Any, window: Window, sighting: Any, now: int) -> Any:
            firings = original(self, window, sighting, now)
            return firings if now % 5 else (firings or []) + (original(self, window, sighting, now) or [])

        return observe

    with replaced(Pattern, "observe", again):
        yield


@contextmanager
def keep_no_firing() -> Iterator[None]:
    """A match that starts a process stays where it is, and starts another."""

    def unkept(original: Any) -> Any:
        def conclude(turn: Any, name: Any, found: Any, window: Any, firings: Any) -> None:
            before = turn.around.window(name.record)
            original(turn, name, found, window, firings)
            if firings and before is not None:
                turn.windows.put(name.record, before)

        return conclude

    with replaced(matching, "_conclude", unkept):
        yield
