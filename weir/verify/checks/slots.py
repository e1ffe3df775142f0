"""A definition's slots are given to those that asked, first come, first served, and never to more than there are.

But for one that runs already, and was migrated to a version with a limit: it has one at once.
"""

from streams.core.schedule import Schedule
from weir.verify.seen import Seen

TYPES = frozenset({"slot_granted"})


def check(seen: Seen) -> str | None:
    """Who is given a slot is next, and there is one."""
    before, limit, instance = seen.before, seen.event.data["limit"], seen.event.data["instance_id"]
    running = before.running if isinstance(before, Schedule) else []
    waiting = before.waiting if isinstance(before, Schedule) else []
    if seen.event.data.get("running"):
        return None
    if len(running) >= limit:
        return f"limit: expected one of {limit} slots to be free, but {len(running)} run when {instance} gets one"
    if waiting and waiting[0] != instance:
        return f"instance_id: expected {waiting[0]}, which waits, to be next, but the log has {instance}"
    return None
