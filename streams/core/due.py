"""``due_timers(entity)``: every moment that an entity, or a pattern's window, waits for.

All that there is to know of timers: a processor's heap follows the difference of what this says before and after a
command, whoever owns the partition next builds the heap anew from it, and ``fire_timer`` fires what it still tells.  An
instance that does not run has none: its waits are held.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from streams.core.commands import FireTimer
from streams.core.mailbox import Mailbox, mailbox_entity
from streams.core.patterns.window import Window
from streams.core.places import place_of, split_place
from streams.core.schedule import Schedule, schedule_entity
from streams.core.state import Entity, Instance, Key, key_entity

WAIT = "wait"
"""The wait at a place is over: a timer, the deadline of an action, the pause before another attempt."""
TIMEOUT = "timeout"
"""The ``timeout`` of an activity."""
PROCESS_TIMEOUT = "process_timeout"
REMINDER = "task_reminder"
ESCALATION = "task_escalation"
SCHEDULE = "schedule"
"""A moment of a trigger of the clock; ``execution`` is the trigger's place in the definition."""

PATTERN = "pattern"
"""Something that a pattern concludes from silence."""


POLL = "poll"
"""A moment of a trigger of a database: to ask it, or to give up its answer; ``execution`` is as for ``SCHEDULE``."""
EXPIRY = "expiry"
"""Of a key or a correlation key: a message that nobody has taken, or the last of what it held."""


class Timer(NamedTuple):
    """``due_ms`` in Unix milliseconds of plant time; ``subject`` is the entity's table key.

    ``place`` is "" where the moment is the whole entity's; ``purpose`` selects what firing does, see ``flow.due``.
    """

    due_ms: int
    subject: str
    place: str
    purpose: str
    execution: int

    def command(self) -> FireTimer:
        """What the processor gives to ``decide`` when the moment has come."""
        activity_id, token = split_place(self.place)
        return FireTimer(
            instance_id=self.subject,
            activity_id=activity_id,
            execution=self.execution,
            due_ms=self.due_ms,
            token=token,
            purpose=self.purpose,
        )


def _of_instance(state: Instance) -> list[Timer]:
    if state.status != "running":
        return []
    timers = []
    for place, wait in state.waiting.items():
        if wait.due is not None:
            timers.append(Timer(wait.due, state.id, place, WAIT, wait.execution))
    if state.tasks:
        timers += _of_tasks(state)
    if state.deadlines:
        timers += [Timer(one.due, state.id, place, TIMEOUT, one.execution) for place, one in state.deadlines.items()]
    if state.timeout_at is not None:
        timers.append(Timer(state.timeout_at, state.id, "", PROCESS_TIMEOUT, 0))
    return timers


def _of_tasks(state: Instance) -> list[Timer]:
    """Reminders and escalations of user tasks; most tasks have neither."""
    timers = []
    for execution, task in state.tasks.items():
        if task.remind_at is not None:
            timers.append(Timer(task.remind_at, state.id, place_of(task.activity_id, task.token), REMINDER, execution))
        if task.escalate_at is not None:
            place = place_of(task.activity_id, task.token)
            timers.append(Timer(task.escalate_at, state.id, place, ESCALATION, execution))
    return timers


def _of_schedule(state: Schedule) -> list[Timer]:
    subject = schedule_entity(state.id)
    moments = [(SCHEDULE, name, alarm.due) for name, alarm in state.alarms.items()]
    moments += [(POLL, name, poll.due) for name, poll in state.polls.items()]
    return [Timer(due, subject, "", purpose, int(name)) for purpose, name, due in moments if due is not None]


def shift(state: Instance, by_ms: int) -> None:
    """Let every moment that the instance waits for come ``by_ms`` later.  When a task is due stays: people know it."""

    def later(moment: int | None) -> int | None:
        return None if moment is None else moment + by_ms

    replace = msgspec.structs.replace
    state.waiting = {place: replace(wait, due=later(wait.due)) for place, wait in state.waiting.items()}
    state.deadlines = {place: replace(one, due=one.due + by_ms) for place, one in state.deadlines.items()}
    state.timeout_at = later(state.timeout_at)
    state.tasks = {
        execution: replace(task, remind_at=later(task.remind_at), escalate_at=later(task.escalate_at))
        for execution, task in state.tasks.items()
    }


def _of_window(window: Window) -> list[Timer]:
    return [] if window.due is None else [Timer(window.due, window.name, "", PATTERN, 0)]


def _of_mailbox(state: Mailbox) -> list[Timer]:
    subject = mailbox_entity(state.key)
    moments = {held.expires for held in state.messages}
    if (idle := idle_from(state)) is not None:
        moments.add(idle)
    return [Timer(moment, subject, "", EXPIRY, 0) for moment in moments]


def _of_key(state: Key) -> list[Timer]:
    return [] if (idle := idle_from(state)) is None else [Timer(idle, key_entity(state.key), "", EXPIRY, 0)]


def idle_from(entity: Key | Mailbox) -> int | None:
    """From when on it holds nothing, if nothing comes; ``None`` while it has what no time ends."""
    if isinstance(entity, Mailbox):
        if entity.waiting:
            return None
        return max([*(held.expires for held in entity.messages), *entity.known.values()], default=entity.updated_at)
    if entity.running or entity.queued:
        return None
    expiries = [held.expires for held in entity.signals]
    if None in expiries:
        return None
    return max([*(at for at in expiries if at is not None), *entity.cooldowns.values()], default=entity.updated_at)


DUE: dict[type, Callable[[Any], list[Timer]]] = {
    Mailbox: _of_mailbox,
    Instance: _of_instance,
    Key: _of_key,
    Schedule: _of_schedule,
    Window: _of_window,
}
"""By the kind of entity; those that are not here wait for no moment."""


def due_timers(entity: Entity | Window | None) -> list[Timer]:
    """All moments that ``entity`` waits for, in no order."""
    of = DUE.get(type(entity))
    return of(entity) if of is not None else []
