"""What an activity asked for has one outcome: one answer to a request, one message for a wait, one end of a timer."""

from streams.core.places import place_of
from streams.core.state import Instance
from weir.verify.seen import Seen

TYPES = frozenset({"activity_completed", "activity_failed", "retry_scheduled", "timer_fired"})
ENDS = {
    "activity_completed": ("action", "message", "task", "subprocess"),
    "activity_failed": ("action", "message", "task", "subprocess"),  # a message: its key has no room for who waits
    "retry_scheduled": ("action",),
    "timer_fired": ("timer",),
}

AT_ONCE = frozenset(
    {
        ("subprocess_requested", "activity_completed"),
        ("activity_started", "activity_failed"),
        ("variable_changed", "activity_failed"),  # a live variable has followed its source in between
    }
)
"""An event, and an outcome that may stand right behind it."""


def check(seen: Seen) -> str | None:
    """An outcome belongs to a wait of its kind, of the same execution and attempt, or to branches that are open."""
    event, instance = seen.event, seen.instance
    if instance is None:
        return None  # `sequence` and `ended` tell
    execution = event.data.get("execution")
    wait = seen.wait
    if wait is None:
        if _is_inline(seen, instance.steps) or _has_branches(seen, instance):
            return None
        return (
            f"execution: expected an outcome of something that is open, but execution {execution} of "
            f"{event.activity_id!r} is not: {event.type} is its second outcome, or nobody asked"
        )
    if (wait.kind not in ENDS[event.type] and not _times_out(seen, instance)) or wait.execution != execution:
        return (
            f"execution: expected the outcome of execution {wait.execution} of {event.activity_id!r}, which waits for "
            f"its {wait.kind}, but the log has {event.type} of execution {execution}"
        )
    if wait.kind == "action" and event.data.get("attempt", wait.attempt) != wait.attempt:
        return f"attempt: expected the outcome of attempt {wait.attempt}, but the log has {event.data['attempt']}"
    return None


def _has_branches(seen: Seen, instance: Instance) -> bool:
    """An activity that owns branches waits for them."""
    event = seen.event
    scope = instance.scopes.get(str(event.data.get("execution")))
    return scope is not None and (scope.activity_id, scope.token) == (event.activity_id, event.token)


def _times_out(seen: Seen, instance: Instance) -> bool:
    """Whatever it waits for, an activity with a ``timeout`` may fail of it."""
    event = seen.event
    place = place_of(event.activity_id or "", event.token)
    return event.type == "activity_failed" and event.data["error_type"] == "timeout" and place in instance.deadlines


def _is_inline(seen: Seen, steps: int) -> bool:
    """An activity whose event is the effect has asked nobody: it ends where it begins.

    So does one that has had a child started that lives on its own, that was too deep for one, or whose expressions
    failed before it could wait.
    """
    event, life = seen.event, seen.life
    if life is not None and (life.last_type, event.type) in AT_ONCE and event.data.get("execution") == steps:
        return life.activity == event.activity_id
    return (
        event.type == "activity_completed"
        and life is not None
        and life.last_type in {"activity_started", "variable_changed", "rules_evaluated", "compensations_started"}
        and life.activity == event.activity_id
        and event.data.get("execution") == steps
        and "output" not in event.data
    )
