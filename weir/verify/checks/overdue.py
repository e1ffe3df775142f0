"""Nothing that was due long ago is left: no timer that did not fire, no request whose deadline did not come."""

from collections.abc import Iterator

from streams.core.due import due_timers, idle_from
from streams.core.durations import instant_text
from streams.core.mailbox import Mailbox, mailbox_entity
from streams.core.schedule import Schedule, schedule_entity
from streams.core.state import Entity, Instance, Key, key_entity
from weir.verify.report import Difference
from weir.verify.seen import Course

NAME = "overdue"


def overdue(entities: dict[str, Entity], before_ms: int) -> Iterator[Difference]:
    """What was due before ``before_ms``, in Unix ms of plant time, and still waits."""
    for entity in entities.values():
        if isinstance(entity, Schedule):
            yield from _alarms(entity, before_ms)
        if isinstance(entity, Mailbox):
            yield from _kept(entity, before_ms)
        if isinstance(entity, Key | Mailbox) and (idle_ms := idle_from(entity)) is not None and idle_ms < before_ms:
            subject = mailbox_entity(entity.key) if isinstance(entity, Mailbox) else key_entity(entity.key)
            why = f"due: expected it to be forgotten at {instant_text(idle_ms)}, but it is still there with nothing"
            yield Difference(NAME, subject, entity.seq, why)
        if not isinstance(entity, Instance):
            continue
        for timer in due_timers(entity):
            if timer.due_ms < before_ms:
                what = timer.place or entity.definition_id
                why = f"due: expected the end of {what!r} at {instant_text(timer.due_ms)}, but it still waits"
                yield Difference(NAME, entity.id, entity.seq, why)


def _kept(entity: Mailbox, before_ms: int) -> Iterator[Difference]:
    for held in entity.messages:
        if held.expires < before_ms:
            why = f"expires: expected {held.name!r} to expire at {instant_text(held.expires)}, but it is still kept"
            yield Difference(NAME, mailbox_entity(entity.key), entity.seq, why)


def _alarms(entity: Schedule, before_ms: int) -> Iterator[Difference]:
    for trigger, alarm in entity.alarms.items():
        if alarm.due is not None and alarm.due < before_ms:
            why = f"due: expected trigger {trigger} to fire at {instant_text(alarm.due)}, but it has not"
            yield Difference(NAME, schedule_entity(entity.id), entity.seq, why)
    for trigger, poll in entity.polls.items():
        if poll.due is not None and poll.due < before_ms:
            what = "an answer to be given up" if poll.asked else "a poll"
            why = f"due: expected {what} of trigger {trigger} at {instant_text(poll.due)}, but there is none"
            yield Difference(NAME, schedule_entity(entity.id), entity.seq, why)


def horizon(course: Course, grace_ms: int) -> int:
    """What was due before this, in a log that goes on, must be over: its partition has told of later things.

    A processor that comes back after a while takes commands and timers in turns.  Timers fire in the order in which
    they are due, so behind the last one that fired some may still be waiting for their turn.
    """
    late = course.time_ms - grace_ms
    fired = course.fired
    return late if fired is None or fired.at_ms < late else min(late, fired.due_ms - grace_ms)
