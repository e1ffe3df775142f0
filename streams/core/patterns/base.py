"""What windows and forms say to each other.  All instants are Unix milliseconds of event time."""

from typing import Any, Protocol

import msgspec


class Point(msgspec.Struct, array_like=True):
    """A reading that counts: when it was taken, and the values that the pattern's conditions read of it."""

    at: int
    values: list[Any]


class Sighting(msgspec.Struct, array_like=True):
    """A reading as a pattern sees it.

    ``truths`` has an element for each condition of the form.  ``variables`` are those of a process that is started on
    this reading, as JSON; empty for a reading on which none is.
    """

    at: int
    truths: list[bool]
    values: list[Any]
    variables: bytes = b""

    @property
    def point(self) -> Point:
        """What is kept of it."""
        return Point(self.at, self.values)


class Form(Protocol):
    """A machine: its fields are what the definition says, ``state`` is what it knows of one key, and changes.

    A window calls with instants that never go back.
    """

    def new(self) -> Any:
        """The state of a key that was never seen."""

    def see(self, state: Any, sighting: Sighting) -> list[Point] | None:
        """Take in a reading; the readings of the match that it completes, else ``None``."""

    def next(self, state: Any) -> int | None:
        """When something happens without a reading."""

    def tick(self, state: Any, now: int) -> list[Point] | None:
        """The moment ``next`` has come, or passed until ``now``; returns like ``see``.  Asked until it is ahead."""

    def lasts(self, state: Any) -> int | None:
        """For how many milliseconds after the newest reading the state tells more than ``new``; ``None`` for ever."""
