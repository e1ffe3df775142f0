"""The ends of an instance: complete, failed, timed out, cancelled."""

from typing import Any

from streams.core.flow import children
from streams.core.flow.held import give_back
from streams.core.flow.starts import left
from streams.core.flow.user_task import cancel_tasks
from streams.core.state import Feed, Instance
from streams.core.turn import Turn


def complete(turn: Turn, instance: Instance, activity_id: str) -> None:
    """The process has reached its end."""
    turn.emit(instance, "completed", _totals(turn, instance), activity_id)
    children.tell_completed(turn, instance)
    _ended(turn, instance)


def fail(
    turn: Turn, instance: Instance, error_type: str, error: str, activity_id: str | None, token: str | None = None
) -> None:
    """The instance stops where it is, and stays until somebody retries or cancels it.

    What others of its tokens wait for is held.
    """
    data = {"error_type": error_type, "error": error, "held": True, **_totals(turn, instance)}
    turn.emit(instance, "failed", data, activity_id, token, error)
    children.tell_failed(turn, instance, error_type, error)
    _ended(turn, instance)


def time_out(turn: Turn, instance: Instance, error: str) -> None:
    """The process took too long.  The instance stays, like a failed one."""
    turn.emit(instance, "timed_out", {"error": error, **_totals(turn, instance)}, message=error)
    children.tell_failed(turn, instance, "timeout", error)
    _ended(turn, instance)


def cancel(turn: Turn, instance: Instance, reason: str | None, *, by_parent: bool = False) -> None:
    """Somebody ended the instance; its parent, where that has not done so itself, gets to know."""
    cancel_tasks(turn, instance, "cancelled")
    waiting, held = dict(instance.waiting), instance.held
    data = {"reason": reason, "was": instance.status, **_totals(turn, instance)}
    turn.emit(instance, "cancelled", data, message=reason)
    children.abandon(turn, instance, waiting)
    give_back(turn, held)
    if not by_parent:
        children.tell_failed(turn, instance, "cancelled", reason or "It was cancelled")
    _ended(turn, instance)


def _totals(turn: Turn, instance: Instance) -> dict[str, Any]:
    return {"duration_ms": max(turn.now_ms, instance.updated_at) - instance.started_at, "steps": instance.steps}


def _ended(turn: Turn, instance: Instance) -> None:
    _forget_readings(turn, instance)
    left(turn, instance)


def _forget_readings(turn: Turn, instance: Instance) -> None:
    """Drop the latest readings that nobody who runs for the key asks for any more."""
    if not (followed := turn.feeds_of(instance)):
        return
    asked: set[Feed] = set()
    for other in turn.running_of_key(instance.key, None):
        asked.update(turn.feeds_of(other))
    for feed in followed:
        if feed not in asked:
            turn.readings[feed] = None
