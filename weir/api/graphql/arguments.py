"""Arguments of fields, checked as the routes check theirs."""

from collections.abc import Sequence

from streams.core.events import EVENT_TYPES
from streams.core.suggest import suggest
from weir.api.problems import ProblemError


def between(name: str, value: int, least: int, most: int) -> int:
    """``value``.  Raises ``ProblemError`` (422) for what is not between these."""
    if not least <= value <= most:
        raise wrong(name, f"Expected {least} to {most} in {name}, but got {value}")
    return value


def event_types(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Types of events.  Raises ``ProblemError`` (422)."""
    for name in names or ():
        if name not in EVENT_TYPES:
            fix = suggest(name, sorted(EVENT_TYPES), "types")
            raise wrong("types", f"Expected types of events, but got {name!r:.200}. {fix}")
    return None if names is None else tuple(names)


def wrong(name: str, message: str) -> ProblemError:
    """422 for the argument ``name``."""
    return ProblemError(422, "invalid_request", message, "Correct the value.", errors=[(name, message)])
