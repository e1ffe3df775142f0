"""What starts a process: the fields that every kind of trigger shares, and what checks ask of them."""

from collections.abc import Iterable
from typing import Literal

from streams.core.expressions import Expression
from streams.core.scalars import Part

Mode = Literal["single", "parallel"]
"""``single``: a key has one running instance of the process, more starts are refused.  ``parallel``: any number."""


class Trigger(Part):
    """``type`` is the kind's own literal."""

    type: str
    mode: Mode = "single"

    def sources(self) -> frozenset[str] | None:
        """What ``source`` of a variable may begin with: names of what the start brings.  ``None``: with anything."""
        return frozenset()

    def reads(self) -> Iterable[tuple[tuple[str | int, ...], Expression]]:
        """The expressions over a reading, and where they stand in the trigger."""
        return ()
