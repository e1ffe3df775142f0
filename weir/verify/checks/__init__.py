"""The checks of the log: rules that hold whatever a table or a database says.

``EVENT_CHECKS`` look at an event beside the entity before it, ``STATE_CHECKS`` at the entities at the end; each says
what is wrong, or ``None``.  One file a rule, one line here.  ``commands`` compares with what somebody has sent.
"""

from collections.abc import Callable
from functools import cache

from streams.core.events import EVENT_TYPES
from streams.core.state import Entity
from weir.verify.checks import ended, home, outcome, sequence, timer, times, waits
from weir.verify.seen import Seen

EventCheck = Callable[[Seen], str | None]
StateCheck = Callable[[Entity], str | None]

EVENT_CHECKS: dict[str, tuple[frozenset[str], EventCheck]] = {
    "sequence": (EVENT_TYPES, sequence.check),
    "time": (EVENT_TYPES, times.check),
    "home": (home.TYPES, home.check),
    "ended": (EVENT_TYPES, ended.check),
    "outcome": (outcome.TYPES, outcome.check),
    "timer": (timer.TYPES, timer.check),
}
"""By name: the types of event that a check looks at, and the check."""

STATE_CHECKS: dict[str, StateCheck] = {
    "waits": waits.check,
}


@cache
def checks_of(event_type: str) -> tuple[tuple[str, EventCheck], ...]:
    """The checks of an event type."""
    return tuple((name, check) for name, (types, check) in EVENT_CHECKS.items() if event_type in types)
