"""The commands of a partition are carried out one after the other, in the order of their offsets.

So those of a key are, whose commands share a partition.  Whoever goes back to an older offset carries commands out a
second time.
"""

from weir.verify.seen import Seen


def check(seen: Seen) -> str | None:
    """The events of a command stand together, behind those of every earlier command."""
    course, cause = seen.course, seen.event.cause
    if cause == course.cause:
        return None
    partition, _, offset = cause.partition(":")
    if partition != str(course.partition):
        return f"cause: expected a command of partition {course.partition}, but the log has {cause}"
    if offset == "timer":
        return None
    if not offset.isdigit():
        return f"cause: expected an offset or 'timer', but the log has {cause}"
    if int(offset) <= course.offset:
        return f"cause: expected a command behind offset {course.offset}, but the log has {cause} ({seen.event.type})"
    return None
