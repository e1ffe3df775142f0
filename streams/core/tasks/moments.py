"""When a task reminds and escalates: pure arithmetic on Unix ms of plant time."""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_REMINDERS = 20


@dataclass(frozen=True, slots=True)
class Reminders:
    """``every_ms`` after the last one, ``before_due_ms`` ahead of the due moment; at most ``limit`` in all."""

    every_ms: int | None = None
    before_due_ms: int | None = None
    limit: int = MAX_REMINDERS


@dataclass(frozen=True, slots=True)
class Level:
    """When an escalation comes: so long after the task was created, or after it was due."""

    after_ms: int | None = None
    after_due_ms: int | None = None


def next_reminder(reminders: Reminders, now: int, due: int | None, reminded: int) -> int | None:
    """The next reminder, when the last one, or the task's creation, is ``now``."""
    if reminded >= reminders.limit:
        return None
    moments = [] if reminders.every_ms is None else [now + reminders.every_ms]
    if due is not None and reminders.before_due_ms is not None and due - reminders.before_due_ms > now:
        moments.append(due - reminders.before_due_ms)
    return min(moments, default=None)


def next_escalation(levels: Sequence[Level], level: int, created: int, due: int | None) -> int | None:
    """When the task reaches the level behind ``level``, the number that it has reached (0: none).

    A level that counts from a due moment which the task does not have never comes, nor do those behind it.
    """
    if level >= len(levels):
        return None
    following = levels[level]
    if following.after_ms is not None:
        return created + following.after_ms
    return None if due is None or following.after_due_ms is None else due + following.after_due_ms
