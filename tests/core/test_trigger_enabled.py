"""A trigger with ``enabled: false`` stays in the definition, and starts nothing."""

import pytest

from streams.core.commands import DeployDefinition, WatchKeys
from streams.core.definition import ProcessDefinition
from streams.core.parse import check_definition, parse_definition
from streams.core.process import compile_process
from streams.core.triggers import TRIGGERS
from streams.core.triggers.station import STATION_TRIGGERS
from tests.core.plant import Plant

BODY = "activities: [{id: note, type: service, action: log, message: x}]\n"
ROUTES = {"home/+/alarm": "alarms"}
FIELDS = {
    "redpanda": "topic: heatpump-telemetry",
    "api": "cooldown: 1h",
    "mqtt": "topic: home/+/alarm",
    "timer": "every: 5m",
    "database": "query: SELECT 1 AS id, watermark: id, every: 30s",
    "pattern": "topic: heatpump-telemetry, absent: 2m, keys: [pump-1]",
    "message": "name: go",
    **dict.fromkeys(STATION_TRIGGERS, "config: {}"),
}


def definition(kind: str, enabled: str = "false") -> ProcessDefinition:
    return parse_definition(
        f"id: x\ntriggers: [{{type: {kind}, {FIELDS[kind]}, enabled: {enabled}}}, {{type: timer, every: 7m}}]\n"
        f"variables: [{{name: t, source: $}}]\n{BODY}"
    )


@pytest.mark.parametrize("kind", TRIGGERS)
def test_it_is_not_compiled(kind: str) -> None:
    on, off = (compile_process(definition(kind, enabled), ROUTES) for enabled in ("true", "false"))
    whole = ("triggers", "patterns", "heard", "timers", "polls", "messages", "cooldowns", "by_hand", "live_topics")
    assert [getattr(on, name) for name in whole] != [getattr(off, name) for name in whole]
    assert [one.index for one in off.timers] == [1]  # the others keep their places
    rest = [getattr(off, name) for name in whole if name != "timers"]
    assert rest == [(), (), (), (), frozenset(), {}, None, {}]


def test_what_is_on_is_written_as_before() -> None:
    assert "enabled" not in definition("api", "true").model_dump_json()
    assert definition("api").model_dump(mode="json")["triggers"][0]["enabled"] is False


def test_a_schedule_needs_one_that_is_on() -> None:
    text = f"id: x\ntrigger: {{type: timer, every: 5m, enabled: %s}}\n{BODY}"
    assert [parse_definition(text % enabled).scheduled for enabled in ("true", "false")] == [True, False]


def test_keys_are_watched_by_one_that_is_on() -> None:
    sent = []
    for enabled in ("true", "false"):
        plant = Plant(definition("pattern", enabled))
        plant.do(DeployDefinition(definition=definition("pattern", enabled).model_dump(mode="json")))
        sent.append([one.keys for one in plant.follow_ups if isinstance(one, WatchKeys)])
    assert sent == [[["pump-1"]], []]


def test_two_of_which_one_is_off_do_not_both_fire() -> None:
    text = f"id: x\ntriggers: [{{type: redpanda, topic: a}}, {{type: redpanda, topic: a, enabled: %s}}]\n{BODY}"
    said = [[one.message for one in check_definition(text % enabled)[1]] for enabled in ("true", "false")]
    assert (len(said[0]), said[1]) == (1, [])
