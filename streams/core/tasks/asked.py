"""What creating or escalating a task renders: texts from expressions, held to what a task may have."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streams.core.expressions import ExpressionError
from streams.core.scalars import shortened
from streams.core.tasks.spec import MAX_NAMES, MAX_PRIORITY, due_ms

MAX_TITLE = 500
MAX_TEXT = 4_000
MAX_NAME = 200


def one_name(value: Any, what: str) -> str | None:
    """A user, a group or a queue; ``None`` for nobody.  Raises ``ExpressionError``."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise ExpressionError(f"Expected a name of at most {MAX_NAME} characters as {what}, but got {value!r:.80}")
    return value


def names(values: Iterable[Any], what: str) -> list[str]:
    """Users or groups, each once; a value that is a list counts as its elements.  Raises ``ExpressionError``."""
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    found = list(dict.fromkeys(name for one in flat if (name := one_name(one, what)) is not None))
    if len(found) > MAX_NAMES:
        raise ExpressionError(f"Expected at most {MAX_NAMES} {what}, but got {len(found)}")
    return found


def priority(value: Any) -> int:
    """Raises ``ExpressionError``."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PRIORITY:
        raise ExpressionError(f"Expected a whole number from 0 to {MAX_PRIORITY} as priority, but got {value!r:.80}")
    return value


def due(value: Any, now: int) -> int | None:
    """The due moment, Unix ms of plant time; ``now`` is where a duration begins.  Raises ``ExpressionError``."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ExpressionError(f"Expected a duration or an instant as due, but got {value!r:.80}")
    try:
        return due_ms(value, now)
    except ValueError as error:
        raise ExpressionError(f"due: {error}") from None


def fields(asked: Mapping[str, Any], default_priority: int) -> dict[str, Any]:
    """What ``task_created`` tells, but for moments: absent where there is nothing.  Raises ``ExpressionError``."""
    told: dict[str, Any] = {}
    for field, read in _TOLD.items():
        if field in asked:
            told |= {name: value for name, value in read(asked[field]).items() if value}
    told["priority"] = priority(asked["priority"]) if "priority" in asked else default_priority
    return told


_TOLD: dict[str, Callable[[Any], dict[str, Any]]] = {
    "title": lambda title: {"title": title and shortened(title, MAX_TITLE)},
    "description": lambda text: {"description": text and shortened(text, MAX_TEXT)},
    "assignee": lambda user: {"assignee": one_name(user, "assignee")},
    "candidates": lambda they: {kind: names(they.get(kind, ()), kind) for kind in ("users", "groups")},
    "approvers": lambda users: {"approvers": names(users, "approvers")},
    "queue": lambda queue: {"queue": one_name(queue, "queue")},
}
"""What each field becomes, in their order in the event: most tasks have few of them, and only those are read."""
