"""Appliers for a business key: which instances run for it, and the signals that wait for one."""

from streams.core.events import Event
from streams.core.state import HeldSignal, Key


def index(entity: Key, event: Event, *, running: bool) -> None:
    """An instance of the key began or ceased to run (``started``, or an event that ends it)."""
    ids = [one for one in entity.running.pop(event.definition_id, ()) if one != event.subject]
    if running:
        ids.append(event.subject)
    if ids:
        entity.running[event.definition_id] = ids


def is_empty(entity: Key) -> bool:
    """Whether the table may forget the key.  One that ever had events of its own must keep counting them."""
    return not entity.running and entity.seq == 0


def signal_buffered(entity: Key, event: Event) -> None:
    """The signal came before an instance: it waits with the key."""
    data = event.data
    held = HeldSignal(data["name"], data["payload"], data.get("definition_id"), data["expires_ms"])
    entity.signals = [*entity.signals, held]


def signal_taken(entity: Key, event: Event) -> None:
    """The signal at ``index`` went to an instance that started, or was too old by then."""
    at = event.data["index"]
    entity.signals = entity.signals[:at] + entity.signals[at + 1 :]
