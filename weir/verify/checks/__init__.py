"""The checks of the log: rules that hold whatever a table or a database says.

``EVENT_CHECKS`` look at an event beside the entity before it, ``STATE_CHECKS`` at the entities at the end, and
``LOG_CHECKS`` at all topics together, beside what somebody has sent.  Each says what is wrong.  One file a rule, one
line here.  ``overdue`` needs a clock, and so is asked by name.
"""

from collections.abc import Callable, Iterable
from functools import cache

from streams.core.events import EVENT_TYPES
from streams.core.state import Entity
from weir.verify.checks import (
    clock,
    commands,
    delivery,
    effects,
    ended,
    forgotten,
    held,
    home,
    letters,
    notice,
    order,
    outcome,
    readings,
    request,
    schedule,
    sequence,
    slots,
    timer,
    times,
    waits,
)
from weir.verify.gathered import Gathered
from weir.verify.report import Difference
from weir.verify.seen import Seen
from weir.verify.sent import Sent

EventCheck = Callable[[Seen], str | None]
StateCheck = Callable[[Entity], str | None]
LogCheck = Callable[[Gathered, Sent], Iterable[Difference]]

EVENT_CHECKS: dict[str, tuple[frozenset[str], EventCheck]] = {
    "sequence": (EVENT_TYPES, sequence.check),
    "time": (EVENT_TYPES, times.check),
    "home": (home.TYPES, home.check),
    "ended": (EVENT_TYPES, ended.check),
    "outcome": (outcome.TYPES, outcome.check),
    "timer": (timer.TYPES, timer.check),
    "order": (EVENT_TYPES, order.check),
    "request": (request.TYPES, request.check),
    "notice": (notice.TYPES, notice.check),
    "delivery": (delivery.TYPES, delivery.check),
    "forgotten": (forgotten.TYPES, forgotten.check),
    "schedule": (schedule.TYPES, schedule.check),
    "slots": (slots.TYPES, slots.check),
}
"""By name: the types of event that a check looks at, and the check."""

STATE_CHECKS: dict[str, StateCheck] = {
    "waits": waits.check,
    "held": held.check,
}

LOG_CHECKS: dict[str, LogCheck] = {
    commands.NAME: commands.check,
    letters.NAME: letters.check,
    readings.NAME: readings.check,
    effects.NAME: effects.check,
    clock.NAME: clock.check,
}


@cache
def checks_of(event_type: str) -> tuple[tuple[str, EventCheck], ...]:
    """The checks of an event type."""
    return tuple((name, check) for name, (types, check) in EVENT_CHECKS.items() if event_type in types)
