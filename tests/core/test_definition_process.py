"""What a definition compiles to: nodes, variables, triggers."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.core.activities import DecisionNode, EndNode, MessageNode, ServiceNode, StartNode, TimerNode
from streams.core.expressions import ExpressionError
from streams.core.parse import parse_definition
from streams.core.process import Process, VariablesError, compile_process
from streams.core.schema import schema_text
from streams.core.triggers import TelemetryTrigger

TEXT = (Path(__file__).parent.parent.parent / "definitions" / "temperature-control.yaml").read_text()


def process(text: str = TEXT) -> Process:
    return compile_process(parse_definition(text))


def with_variables(*variables: str) -> Process:
    """A process that a reading starts, with these variables."""
    lines = "".join(f"  - {{{one}}}\n" for one in variables)
    return process(
        f"id: v\ntrigger: {{type: redpanda, topic: t}}\nvariables:\n{lines}"
        "activities: [{id: wait, type: timer, duration: 1m}]"
    )


def triggered_by(trigger: str) -> TelemetryTrigger:
    """The compiled trigger of a process."""
    (one,) = process(f"id: t\ntrigger: {trigger}\nactivities: [{{id: w, type: timer, duration: 1m}}]").triggers
    return one


def test_the_process_is_what_the_definition_says() -> None:
    compiled = process()
    assert (compiled.id, compiled.version, compiled.name) == ("temperature-control", 1, "Temperature Control Process")
    assert (compiled.mode, compiled.first) == ("single", "start")
    assert {name: type(node) for name, node in compiled.activities.items()} == {
        "start": StartNode,
        "check_temp": DecisionNode,
        "activate_cooling": ServiceNode,
        "wait_recheck": TimerNode,
        "recheck_temp": DecisionNode,
        "log_normal": ServiceNode,
        "log_success": ServiceNode,
        "escalate": ServiceNode,
        "end": EndNode,
    }
    timer = compiled.activities["wait_recheck"]
    assert isinstance(timer, TimerNode)
    assert (timer.duration_ms, timer.next) == (300_000, "recheck_temp")
    cool = compiled.activities["activate_cooling"]
    assert isinstance(cool, ServiceNode)
    assert (cool.action, cool.inline, cool.timeout_ms, cool.next) == ("mqtt_publish", False, 30_000, "wait_recheck")
    assert cool.config.names == {"device_id"}
    assert cool.config.render({"device_id": "hp-1"}) == {
        "topic": "home/heatpump/control",
        "payload": {"device_id": "hp-1", "command": "activate_cooling"},
        "qos": 1,
        "retain": False,
    }
    assert [name for name, _ in compiled.live_topics["heatpump-telemetry"]] == ["device_id", "temperature"]


def test_a_text_of_a_config_renders_to_text_and_a_payload_keeps_its_type() -> None:
    compiled = process(
        "id: x\ntrigger: {type: api}\nvariables: [{name: n, value: 5.0}]\nactivities:\n"
        '  - {id: a, type: service, action: mqtt_publish, topic: "${n}", payload: "${n}"}\n'
        '  - {id: b, type: service, action: log, message: "${n}", level: warning}\n'
        '  - {id: c, type: service, action: notify, message: "${n}", title: "${n} °C", timeout: 2m}\n'
    )
    configs = [node.config.render({"n": 5.0}) for node in compiled.activities.values() if isinstance(node, ServiceNode)]
    assert configs == [
        {"topic": "5", "payload": 5.0, "qos": 1, "retain": False},
        {"message": "5", "level": "warning"},
        {"message": "5", "channel": "alert", "title": "5 °C"},
    ]


def test_an_output_picks_from_a_result() -> None:
    compiled = process(
        "id: x\ntrigger: {type: api}\nactivities:\n"
        "  - {id: a, type: message, name: go, output: reply}\n"
        "  - {id: b, type: message, name: go, output: {speed: fan.speed, other: '$.list[0]'}}\n"
        "  - {id: c, type: message, name: go}\n"
    )
    result = {"fan": {"speed": 3}}
    outputs = {
        node.id: node.output.of(result) for node in compiled.activities.values() if isinstance(node, MessageNode)
    }
    assert outputs == {"a": {"reply": result}, "b": {"speed": 3}, "c": {}}


# Variables.


def test_what_an_instance_starts_with() -> None:
    compiled = with_variables(
        "name: device, source: tags.device_id, required: true",
        "name: temperature, source: fields.temp, type: number",
        "name: limit, source: fields.limit, default: 30, live: false",
        "name: threshold, value: 25.5",
        "name: note",
    )
    reading = {"tags": {"device_id": "hp-1"}, "fields": {"temp": 31}}
    started = compiled.start_variables(reading)
    assert started == {"device": "hp-1", "temperature": 31, "limit": 30}
    assert compiled.initial_variables(started) == {**started, "threshold": 25.5, "note": None}
    assert compiled.initial_variables({**started, "threshold": 1})["threshold"] == 1
    assert compiled.start_variables({"tags": {"device_id": "a"}, "fields": {"temp": None, "limit": None}}) == {
        "device": "a",
        "temperature": None,
        "limit": 30,
    }
    assert [name for name, _ in compiled.live_topics["t"]] == ["device", "temperature"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Expected a value for variable 'device' at 'tags.device_id' of the reading, but there is none"),
        (
            {"device": None},
            "Expected a value for variable 'device' at 'tags.device_id' of the reading, but there is none",
        ),
        ({"device": 5}, "Expected variable 'device' to be of type string, but got 5"),
        ({"device": "a", "count": 1.5}, "Expected variable 'count' to be of type integer, but got 1.5"),
        ({"device": "a", "count": True}, "Expected variable 'count' to be of type integer, but got True"),
        (
            {"device": 5, "count": 1.5},
            (
                "Expected variable 'device' to be of type string, but got 5; "
                "Expected variable 'count' to be of type integer, but got 1.5"
            ),
        ),
        ({"device": "a", "cuont": 1}, "Unknown variable 'cuont'. Did you mean 'count'?"),
    ],
)
def test_values_that_do_not_fit_are_refused(given: dict[str, Any], message: str) -> None:
    compiled = with_variables(
        "name: device, source: tags.device_id, required: true, type: string", "name: count, type: integer"
    )
    with pytest.raises(VariablesError) as caught:
        compiled.initial_variables(given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        ("string", ["", "a"], [1, True, [], {}]),
        ("number", [1, 1.5, -0.0], ["1", True, []]),
        ("integer", [1, 5.0], [1.5, "1", False]),
        ("boolean", [True, False], [0, "true"]),
        ("object", [{}, {"a": 1}], [[], "a"]),
        ("array", [[], [1]], [{}, "a"]),
    ],
)
def test_types_of_variables(wanted: str, fitting: list[Any], others: list[Any]) -> None:
    compiled = with_variables(f"name: x, type: {wanted}")
    for value in [*fitting, None]:
        assert compiled.initial_variables({"x": value}) == {"x": value}
    for value in others:
        with pytest.raises(VariablesError):
            compiled.initial_variables({"x": value})


def test_variables_follow_every_topic_that_starts_the_process() -> None:
    compiled = process(
        "id: x\ntriggers: [{type: redpanda, topic: a}, {type: redpanda, topic: b}, {type: api}]\n"
        "variables: [{name: t, source: fields.t}]\nactivities: [{id: w, type: timer, duration: 1m}]"
    )
    assert set(compiled.live_topics) == {"a", "b"}
    assert [one.topic for one in compiled.triggers] == ["a", "b"]
    assert compiled.variables["t"].topics == ("a", "b")


# Triggers.


@pytest.mark.parametrize(
    ("conditions", "reading", "expected"),
    [
        ("topic: t", {}, True),
        ("topic: t, condition: fields.a > 1", {"fields": {"a": 2}}, True),
        ("topic: t, condition: fields.a > 1", {"fields": {"a": 1}}, False),
        ("topic: t, condition: fields.a > 1", {"fields": {}}, None),
        ("topic: t, condition: fields.a > 1", {}, None),
        ("topic: t, condition: fields.a > 1", {"fields": {"a": None}}, None),
        ("topic: t, condition: fields.a > 1", {"fields": 5}, None),
        ("topic: t, condition: 'has(fields.a) && fields.a > 1'", {"fields": {}}, False),
        ("topic: t, condition: 'fields.b > 1 || fields.a > 1'", {"fields": {"a": 2}}, True),
        ("topic: t, all: [fields.a > 1, fields.b > 1]", {"fields": {"a": 2, "b": 2}}, True),
        ("topic: t, all: [fields.a > 1, fields.b > 1]", {"fields": {"a": 2, "b": 1}}, False),
        ("topic: t, all: [fields.a > 1, fields.b > 1]", {"fields": {"a": 2}}, None),
        ("topic: t, all: [fields.a > 1, fields.b > 1]", {"fields": {"b": 1}}, False),
        ("topic: t, any: [fields.a > 1, fields.b > 1]", {"fields": {"b": 2}}, True),
        ("topic: t, any: [fields.a > 1, fields.b > 1]", {"fields": {"a": 1, "b": 1}}, False),
        ("topic: t, any: [fields.a > 1, fields.b > 1]", {"fields": {"a": 1}}, None),
    ],
)
def test_a_reading_matches_or_not(conditions: str, reading: dict[str, Any], expected: bool | None) -> None:
    assert triggered_by(f"{{type: redpanda, {conditions}}}").matches(reading) is expected


def test_a_reading_of_the_wrong_type_is_an_error_of_its_own() -> None:
    trigger = triggered_by("{type: redpanda, topic: t, condition: fields.a > 1}")
    with pytest.raises(
        ExpressionError, match=r"^Expected two numbers or two texts in 'fields.a > 1', but fields.a is \"hot\"$"
    ):
        trigger.matches({"fields": {"a": "hot"}})


@pytest.mark.parametrize(
    ("key", "reading", "record_key", "expected"),
    [
        (None, {"tags": {"device_id": "hp-1"}}, "k", "hp-1"),
        (None, {"tags": {"device_id": 5}}, "k", "5"),
        (None, {"tags": {"device_id": 5.0}}, "k", "5"),
        (None, {"tags": {"device_id": 5.5}}, "k", "5.5"),
        (None, {"tags": {"device_id": True}}, "k", "k"),
        (None, {"tags": {"device_id": None}}, "k", "k"),
        (None, {"tags": {"device_id": ""}}, "k", "k"),
        (None, {"tags": {"device_id": ["a"]}}, "k", "k"),
        (None, {"tags": {"device_id": "x" * 513}}, "k", "k"),
        (None, {}, "k", "k"),
        (None, {}, None, None),
        ("tags.room", {"tags": {"room": "r1", "device_id": "hp-1"}}, "k", "r1"),
        ("tags.room", {"tags": {"device_id": "hp-1"}}, "k", "hp-1"),
        ("$.tags['room no']", {"tags": {"room no": 7}}, None, "7"),
    ],
)
def test_the_business_key_of_a_reading(
    key: str | None, reading: Any, record_key: str | None, expected: str | None
) -> None:
    trigger = triggered_by("{type: redpanda, topic: t" + (f', key: "{key}"' if key else "") + "}")
    assert trigger.key_of(reading, record_key) == expected


def test_a_trigger_has_its_limits() -> None:
    trigger = triggered_by("{type: redpanda, topic: t, max_age: 1h, priority: 5, mode: parallel}")
    assert (trigger.topic, trigger.max_age_ms, trigger.priority, trigger.mode) == ("t", 3_600_000, 5, "parallel")
    assert json.loads(schema_text())["$defs"]["RedpandaTrigger"]["properties"]["max_age"]["default"] == "10m"
