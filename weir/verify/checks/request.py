"""Every request for an action gets one answer, or its deadline comes, before the instance goes on.

That there are not two is ``outcome``'s, and that the deadline comes at all is ``overdue``'s.
"""

from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from weir.verify.seen import Seen

TYPES = frozenset({"action_requested", "completed"})


def check(seen: Seen) -> str | None:
    """A request is well-formed, and none is left behind."""
    instance = seen.instance
    if instance is None:
        return None  # `sequence` and `ended` tell
    if seen.event.type == "action_requested" and (why := _malformed(seen.event, instance.steps)) is not None:
        return why
    for activity_id, wait in instance.waiting.items():
        if wait.kind == "action" and seen.event.type == "completed":
            return f"waiting: expected an answer to {activity_id!r} or its deadline, but the instance completed without"
    if seen.event.type == "action_requested" and (open_ := seen.wait) is not None:
        execution = open_.execution
        return (
            f"execution: expected an outcome of execution {execution} of {seen.event.activity_id!r}, but it asks again"
        )
    return None


def _malformed(event: Event, steps: int) -> str | None:
    """An execution has one idempotency key, whatever its attempt, and no other execution has it."""
    data = event.data
    if data["execution"] != steps:
        return f"execution: expected {steps}, that of the activity, but the request is for {data['execution']}"
    key = f"{event.subject}:{event.activity_id}:{steps}"
    if data["idempotency_key"] != key:
        return f"idempotency_key: expected {key}, but the request has {data['idempotency_key']}"
    if parse_instant_ms(data["deadline"]) < parse_instant_ms(data["not_after"]):
        return f"deadline: expected {data['not_after']} or later, but the request has {data['deadline']}"
    return None
