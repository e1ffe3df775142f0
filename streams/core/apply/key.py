"""Appliers for a business key: which instances run for it, and the signals that wait for one."""

from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from streams.core.state import HeldSignal, Key


def index(entity: Key, event: Event, time_ms: int) -> None:
    """An instance of the key began to run, to wait for its turn, or ended."""
    if entity.running:
        _take_out(entity.running, event)
    if entity.queued:
        _take_out(entity.queued, event)
    if event.type in RUNS:
        entity.running.setdefault(event.definition_id, []).append(event.subject)
    elif event.type == "start_queued":
        entity.queued.setdefault(event.definition_id, []).append(event.subject)
    if entity.cooldowns:
        entity.cooldowns = {name: until for name, until in entity.cooldowns.items() if until > time_ms}
    if (cooldown := event.data.get("cooldown")) is not None:
        name = f"{event.definition_id}/{cooldown['trigger']}"
        entity.cooldowns = {**entity.cooldowns, name: parse_instant_ms(cooldown["until"])}


RUNS = frozenset({"started", "start_released", "retried"})


def _take_out(ids: dict[str, list[str]], event: Event) -> None:
    left = [one for one in ids.pop(event.definition_id, ()) if one != event.subject]
    if left:
        ids[event.definition_id] = left


def is_empty(entity: Key) -> bool:
    """Whether the table may forget the key.  One that had events of its own must count them until ``key_forgotten``."""
    return not (entity.running or entity.queued or entity.cooldowns) and entity.seq == 0


def signal_buffered(entity: Key, event: Event) -> None:
    """The signal came before an instance: it waits with the key."""
    data = event.data
    held = HeldSignal(data["name"], data["payload"], data.get("definition_id"), data["expires_ms"])
    entity.signals = [*entity.signals, held]


def signal_taken(entity: Key, event: Event) -> None:
    """The signal at ``index`` went to an instance that started, or was too old by then."""
    at = event.data["index"]
    entity.signals = entity.signals[:at] + entity.signals[at + 1 :]


def nothing_more(_entity: Key, _event: Event) -> None:
    """It holds nothing, and leaves the table."""
