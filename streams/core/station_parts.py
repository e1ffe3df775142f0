"""A definition in the form in which a station's people make processes: what ``station_form`` reads, the other way.

One that was made from a form gives that form again.  Of any other definition the triggers and the services are told,
wherever those stand, and conditions that no form makes as expressions; a form says no more.
"""

from collections.abc import Iterator
from typing import Any

from streams.core.definition import ProcessDefinition
from streams.core.durations import parse_duration_ms
from streams.core.station_form import DEFAULT_TIMEOUT_S, VARIABLE
from streams.core.station_reading import conditions_from
from streams.core.triggers.station import STATION_TRIGGERS

DEFAULT_ATTEMPTS = 3
_BESIDE_CONFIG = ("type", "mode", "condition", "priority", "enabled")
_NAMES = {"api": "manual", "timer": "time_schedule"}
"""What a station's people call these triggers."""


def form_of(definition: ProcessDefinition) -> dict[str, Any]:
    """``{name, description, triggers, actions}``; their parts are those of ``station_form``.

    An action's ``id`` is its activity's, by which the steps of executions name it.
    """
    data = definition.model_dump(mode="json", exclude_defaults=True)
    return {
        "name": definition.name,
        "description": data.get("description"),
        "triggers": [_trigger(one) for one in data.get("triggers", [])],
        "actions": [_action(at, one) for at, one in enumerate(_services(data["activities"]))],
    }


def _trigger(one: dict[str, Any]) -> dict[str, Any]:
    kind = one["type"]
    rest = {name: value for name, value in one.items() if name not in _BESIDE_CONFIG}
    return {
        "trigger_type": _NAMES.get(kind, kind),
        "trigger_config": one.get("config", {}) if kind in STATION_TRIGGERS else rest,
        "conditions": conditions_from(one.get("condition")),
        "priority": one.get("priority", 0),
        "is_active": one.get("enabled", True),
    }


def _action(at: int, one: dict[str, Any]) -> dict[str, Any]:
    retry = one.get("retry", {})
    attempts = retry.get("max_attempts", DEFAULT_ATTEMPTS) if isinstance(retry, dict) else 1
    timeout = one.get("timeout")
    return {
        "id": one["id"],
        "action_type": one["action"],
        "action_config": one.get("config", {}),
        "conditions": conditions_from(one.get("condition"), f"{VARIABLE}."),
        "action_order": at,
        "timeout_seconds": DEFAULT_TIMEOUT_S if timeout is None else -(-parse_duration_ms(timeout) // 1000),
        "retry_count": attempts - 1,
    }


def _services(value: Any) -> Iterator[dict[str, Any]]:
    """Services in the order in which they are written, within other activities too."""
    if isinstance(value, list):
        for one in value:
            yield from _services(one)
    elif isinstance(value, dict):
        if value.get("type") == "service" and "action" in value:
            yield value
        for name in ("branches", "activities", "compensation"):
            inner = value.get(name)
            yield from _services(list(inner.values()) if isinstance(inner, dict) and "type" not in inner else inner)
