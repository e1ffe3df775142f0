"""What starts a process: the fields that every kind of trigger shares, and what checks ask of them."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.expressions import Expression
from streams.core.scalars import Duration, Part

Mode = Literal["single", "parallel", "restart", "queued"]
"""What becomes of a start while an instance of the process runs for its key.

``single``: it is refused.  ``restart``: what runs is cancelled.  ``queued``: it waits its turn.  ``parallel``: both
run.
"""
DEFAULT_QUEUE = 10
MODES_WITH_MAX = ("parallel", "queued")


class Trigger(Part):
    """``type`` is the kind's own literal.

    ``mode`` and ``max`` are the same in all triggers of a process.  ``max`` is how many instances a key may have, with
    ``queued`` those that wait counted in (10 by default).  ``cooldown``: behind a start this trigger starts nothing
    more for the key for so long, in plant time.  Starts without a key are ``parallel`` without an end; ``concurrency``
    of the process holds for them too.  One that is not ``enabled`` starts nothing, and stays where it is.
    """

    type: str
    mode: Mode = "single"
    max: Annotated[int, Field(ge=1, le=100)] | None = None
    cooldown: Duration | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _max_has_a_meaning(self) -> Self:
        if self.max is not None and self.mode not in MODES_WITH_MAX:
            raise PydanticCustomError(
                "max",
                "Expected no 'max' with 'mode: {mode}', which has one instance a key",
                {"mode": self.mode, "field": "max", "fix": "Write 'mode: queued' or 'mode: parallel'"},
            )
        return self

    def sources(self) -> frozenset[str] | None:
        """What ``source`` of a variable may begin with: names of what the start brings.  ``None``: with anything."""
        return frozenset()

    def reads(self) -> Iterable[tuple[tuple[str | int, ...], Expression]]:
        """The expressions over a reading, and where they stand in the trigger."""
        return ()
