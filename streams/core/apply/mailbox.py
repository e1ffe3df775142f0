"""Appliers for a correlation key: who waits there, and what waits for somebody."""

from streams.core.durations import instant_ms, parse_instant_ms
from streams.core.events import Event
from streams.core.mailbox import Buffered, Mailbox, Subscription


def subscribed(entity: Mailbox, event: Event) -> None:
    """An activity waits for a message."""
    entity.waiting = [*entity.waiting, _subscription(event)]


def unsubscribed(entity: Mailbox, event: Event) -> None:
    """It does not wait any more."""
    gone = _subscription(event)
    entity.waiting = [one for one in entity.waiting if one != gone]


def message_correlated(entity: Mailbox, event: Event) -> None:
    """A message goes to an activity that waits: the one that has just come, or the buffered one at ``index``."""
    unsubscribed(entity, event)
    if (index := event.data.get("index")) is not None:
        entity.messages = entity.messages[:index] + entity.messages[index + 1 :]
    _know(entity, event)


def message_started(entity: Mailbox, event: Event) -> None:
    """A message has started processes."""
    _know(entity, event)


def message_buffered(entity: Mailbox, event: Event) -> None:
    """Nobody waits for the message: it does.  One that came back stands before those that came later."""
    data = event.data
    expires = parse_instant_ms(data["expires"])
    message = Buffered(data["name"], data["payload"], expires, data.get("message_id"))
    entity.messages = [message, *entity.messages] if data.get("returned") else [*entity.messages, message]
    _know(entity, event)


def message_expired(entity: Mailbox, event: Event) -> None:
    """Nobody has taken the message at ``index`` in time."""
    at = event.data["index"]
    entity.messages = entity.messages[:at] + entity.messages[at + 1 :]


def nothing_more(_entity: Mailbox, _event: Event) -> None:
    """It holds nothing, and leaves the table."""


def _know(entity: Mailbox, event: Event) -> None:
    """Remember the message's id, and forget those that are old."""
    now_ms = instant_ms(event.time)
    message_id, until = event.data.get("message_id"), event.data.get("known_until")
    entity.known = {name: at for name, at in entity.known.items() if at > now_ms}
    if message_id is not None and until is not None:
        entity.known[message_id] = parse_instant_ms(until)


def _subscription(event: Event) -> Subscription:
    data = event.data
    return Subscription(data["name"], data["instance_id"], data["activity_id"], data["execution"], data.get("token"))
