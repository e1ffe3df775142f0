"""A message is delivered once, as it was sent: from whoever holds it to whom it is for, and nothing in between.

    signal_buffered ─► key ─► signal_released ─► signal_received ─► instance ─► activity_completed
                        └───► signal_expired

What a key must not hold is ``held``'s, what an instance must not is ``waits``'.
"""

from streams.core.durations import instant_text
from streams.core.events import EVENT_TYPES
from weir.verify.canonical import canonical
from weir.verify.seen import Seen

TYPES = EVENT_TYPES
"""All: behind a release there is the one event that receives it."""


def check(seen: Seen) -> str | None:
    """Look at both ends of each hand-over."""
    course, event = seen.course, seen.event
    if course.released is not None:
        return _received(seen)
    if event.type == "signal_received":
        return _of_nobody(seen)
    if event.type in {"signal_released", "signal_expired"}:
        return _left_key(seen)
    if event.type == "activity_completed":
        return _taken(seen)
    return None


def _received(seen: Seen) -> str | None:
    assert seen.course.released is not None
    instance, name, payload = seen.course.released
    event = seen.event
    if event.type == "signal_received" and event.subject == instance and event.data["name"] == name:
        if canonical(event.data["payload"]) == canonical(payload):
            return None
        return f"payload: expected that of the signal {name!r} that its key has released, but another was received"
    return f"type: expected {instance} to receive {name!r}, which its key has released, but the log has {event.type}"


def _of_nobody(seen: Seen) -> str | None:
    life = seen.life
    if seen.course.whole and life is not None and life.started_by == seen.event.cause:
        return f"type: expected its key to release {seen.event.data['name']!r} before, but nobody had it"
    return None


def _left_key(seen: Seen) -> str | None:
    event, held = seen.event, seen.held
    if held is None:
        return f"index: expected a signal that the key holds, but the log has {event.data.get('index')}"
    if held.name != event.data["name"]:
        return f"name: expected {held.name!r}, which the key holds there, but the log has {event.data['name']!r}"
    expired = held.expires is not None and held.expires <= seen.time_ms
    if expired != (event.type == "signal_expired"):
        until = "for ever" if held.expires is None else f"until {instant_text(held.expires)}"
        return f"time: the signal is held {until}, but the log has {event.type} at {instant_text(seen.time_ms)}"
    return None


def _taken(seen: Seen) -> str | None:
    event, instance = seen.event, seen.instance
    wait = seen.wait
    if instance is None or wait is None or wait.kind != "message":
        return None
    oldest = next((signal for signal in instance.signals if signal.name == wait.name), None)
    if oldest is None:
        return f"output: expected a message {wait.name!r} that the instance holds, but it holds none"
    if canonical(event.data.get("output", {})) != canonical(oldest.payload):
        return f"output: expected that of the oldest message {wait.name!r}, but the log has another"
    return None
