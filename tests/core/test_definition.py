"""The canonical definition, its registries, its schema, and what it compiles to."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from streams.core.actions import ACTIONS
from streams.core.activities import (
    KINDS,
    DecisionNode,
    EndNode,
    MessageNode,
    ServiceNode,
    StartNode,
    TimerNode,
)
from streams.core.definition import ProcessDefinition
from streams.core.document import read_yaml
from streams.core.expressions import ExpressionError
from streams.core.parse import parse_definition
from streams.core.process import Process, VariablesError, compile_process
from streams.core.scalars import duration_text
from streams.core.schema import definition_schema, schema_text
from streams.core.step import ENTER
from streams.core.triggers import ALIASES, TRIGGERS, TelemetryTrigger

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "definitions" / "temperature-control.yaml").read_text()
SEEDS = Path(__file__).parent / "seeds"


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


# The registries.


def test_every_kind_of_activity_becomes_a_node_that_can_be_entered() -> None:
    compiled = process(
        "id: all\ntrigger: {type: api}\nactivities:\n"
        "  - {id: a, type: timer, duration: 1s}\n"
        "  - {id: b, type: message, name: go}\n"
        "  - {id: c, type: service, action: log, message: x}\n"
        "  - {id: d, type: decision, condition: 'true', true_path: end, false_path: end}\n"
    )
    assert {one.type for one in compiled.definition.activities} == set(KINDS)
    assert {type(node) for node in compiled.activities.values()} == set(ENTER)


def test_registries_name_what_they_hold() -> None:
    assert {name: kind.model.__name__.lower() for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert {name: spec.name for name, spec in ACTIONS.items()} == {name: name for name in ACTIONS}
    assert set(ALIASES.values()) <= set(TRIGGERS)
    assert {name for name, spec in ACTIONS.items() if spec.inline} == {"log", "database_log"}


# The hash.


def test_the_hash_is_that_of_the_content_and_is_pinned() -> None:
    """When this fails, every deployed definition would look changed: a new field needs a default."""
    definition = parse_definition(TEXT)
    assert definition.hash == HASH
    assert parse_definition(TEXT.replace("25.0", "26.0")).hash != HASH
    assert parse_definition("# other words\n" + TEXT).hash == HASH


HASH = "321d14ea91352820b4f0b279bb2a96cff84311cb9e310f0680331e189e0e8bfb"


def test_a_definition_cannot_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_definition(TEXT).version = 2  # type: ignore[misc]


def test_the_topics_and_activities_of_a_definition() -> None:
    definition = parse_definition(TEXT)
    assert definition.topics == ("heatpump-telemetry",)
    assert definition.activity("escalate").type == "service"
    with pytest.raises(KeyError):
        definition.activity("nowhere")


@pytest.mark.parametrize(
    ("ms", "text"), [(1, "1ms"), (1000, "1s"), (90_000, "1m30s"), (5_400_000, "1h30m"), (90_061_001, "1d1h1m1s1ms")]
)
def test_durations_have_one_spelling(ms: int, text: str) -> None:
    assert duration_text(ms) == text


# The schema.


def test_the_schema_beside_the_definitions_is_current() -> None:
    assert (ROOT / "definitions" / "schema.json").read_text() == schema_text(), "run: poe schema"


@pytest.mark.parametrize("path", sorted((ROOT / "definitions").glob("*.yaml")), ids=lambda path: path.name)
def test_every_definition_names_the_schema_and_fits_it(path: Path) -> None:
    text = path.read_text()
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./schema.json"
    jsonschema.validate(read_yaml(text).data, definition_schema())


@pytest.mark.parametrize("name", ["starter-guide.yaml", "architecture-plan.yaml"])
def test_both_spellings_fit_the_schema(name: str) -> None:
    jsonschema.validate(read_yaml((SEEDS / name).read_text()).data, definition_schema())


def test_the_canonical_form_fits_the_schema() -> None:
    definition = parse_definition(TEXT).model_dump(mode="json")
    assert ProcessDefinition.model_validate(definition).model_dump(mode="json") == definition
    jsonschema.validate(definition, definition_schema())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: redpanda", "type: redpander"),
        ("topic: heatpump", "topik: heatpump"),
        ("version: 1", "version: 1.5"),
        ("type: timer", "type: timmer"),
        ("duration: 5m", "duration: 5"),
        ("action: notify", "action: notyfy"),
        ("channel: alert", "chanel: alert"),
        ('message: "Cooling successful"', "level: info"),
        ("false_path: log_normal", "otherwise: log_normal"),
        ("trigger:", "triger:"),
    ],
)
def test_the_schema_sees_what_an_editor_can_see(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_yaml(TEXT.replace(old, new, 1)).data, definition_schema())


# The compiled process.


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
