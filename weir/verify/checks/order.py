"""The commands of a partition are carried out one after the other, in the order of their offsets.

So those of a key are, whose commands share a partition.  Whoever goes back to an older offset carries commands out a
second time.  Timers take their turns by time: one that is due after a command was appended comes behind it.
"""

from streams.core.durations import instant_text
from weir.verify.seen import Seen


def check(seen: Seen) -> str | None:
    """The events of a command stand together, behind those of every earlier command."""
    course, cause = seen.course, seen.event.cause
    if cause == course.cause:
        return None
    partition, _, offset = cause.partition(":")
    if partition != str(course.partition):
        return f"cause: expected a command of partition {course.partition}, but the log has {cause}"
    return None if offset == "timer" else _of_command(seen, offset)


def _of_command(seen: Seen, offset: str) -> str | None:
    course, cause = seen.course, seen.event.cause
    if not offset.isdecimal():
        return f"cause: expected an offset or 'timer', but the log has {cause}"
    if int(offset) <= course.offset:
        return f"cause: expected a command behind offset {course.offset}, but the log has {cause} ({seen.event.type})"
    if course.skew_ms is not None and seen.time_ms < course.due_ms - course.skew_ms:
        due = instant_text(course.due_ms)
        return f"time: expected {cause} before the timer that was due at {due}, but the log has it behind"
    return None
