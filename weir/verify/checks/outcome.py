"""What an activity asked for has one outcome: one answer to a request, one message for a wait, one end of a timer."""

from weir.verify.seen import Seen

TYPES = frozenset({"activity_completed", "activity_failed", "timer_fired"})
ENDS = {
    "activity_completed": ("action", "message", "task"),
    "activity_failed": ("action", "task"),
    "timer_fired": ("timer",),
}


def check(seen: Seen) -> str | None:
    """An outcome belongs to a wait of its kind, of the same execution and attempt."""
    event, instance = seen.event, seen.instance
    if instance is None:
        return None  # `sequence` and `ended` tell
    execution = event.data.get("execution")
    wait = seen.wait
    if wait is None:
        if _is_inline(seen, instance.steps):
            return None
        return (
            f"execution: expected an outcome of something that is open, but execution {execution} of "
            f"{event.activity_id!r} is not: {event.type} is its second outcome, or nobody asked"
        )
    if wait.kind not in ENDS[event.type] or wait.execution != execution:
        return (
            f"execution: expected the outcome of execution {wait.execution} of {event.activity_id!r}, which waits for "
            f"its {wait.kind}, but the log has {event.type} of execution {execution}"
        )
    if wait.kind == "action" and event.data.get("attempt", wait.attempt) != wait.attempt:
        return f"attempt: expected the outcome of attempt {wait.attempt}, but the log has {event.data['attempt']}"
    return None


def _is_inline(seen: Seen, steps: int) -> bool:
    """An activity whose event is the effect has asked nobody: it ends where it begins."""
    event, life = seen.event, seen.life
    return (
        event.type == "activity_completed"
        and life is not None
        and life.last_type in {"activity_started", "variable_changed", "rules_evaluated"}
        and life.activity == event.activity_id
        and event.data.get("execution") == steps
        and "output" not in event.data
    )
