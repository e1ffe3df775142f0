"""Every request for an action gets one answer, or its deadline comes, before the instance goes on.

That there are not two is ``outcome``'s, and that the deadline comes at all is ``overdue``'s.
"""

from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from streams.core.state import Instance, Wait
from weir.verify.seen import Seen

TYPES = frozenset({"action_requested", "completed"})


def check(seen: Seen) -> str | None:
    """A request is well-formed, and none is left behind."""
    instance = seen.instance
    if instance is None:
        return None  # `sequence` and `ended` tell
    if seen.event.type == "action_requested":
        return _asks_wrongly(seen.event, instance, seen.wait)
    for place, wait in instance.waiting.items():
        if wait.kind == "action":
            return f"waiting: expected an answer to {place!r} or its deadline, but the instance completed without"
    return None


def _asks_wrongly(event: Event, instance: Instance, wait: Wait | None) -> str | None:
    """An execution has one idempotency key, whatever its attempt, and no other execution has it."""
    data, name = event.data, event.activity_id
    execution, attempt = instance.steps, 1
    if wait is not None:
        if wait.kind != "retry":
            return f"execution: expected an outcome of execution {wait.execution} of {name!r}, but it asks again"
        execution, attempt = wait.execution, wait.attempt
    asked = None if wait is None or wait.request is None else wait.request["config"]
    expected = {
        "execution": execution,
        "attempt": attempt,
        "idempotency_key": f"{event.subject}:{name}:{execution}",
        "config": data["config"] if asked is None else asked,
    }
    for field, value in expected.items():
        if data[field] != value:
            return f"{field}: expected {value}, that of the activity, but the request has {data[field]}"
    if parse_instant_ms(data["deadline"]) < parse_instant_ms(data["not_after"]):
        return f"deadline: expected {data['not_after']} or later, but the request has {data['deadline']}"
    return None
