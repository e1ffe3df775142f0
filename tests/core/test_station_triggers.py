"""The station's triggers: which events start a process, for which key, and what a mistake in one is told."""

from typing import Any

import jsonschema
import pytest

from streams.core.parse import check_definition, parse_definition
from streams.core.process import Process, compile_process
from streams.core.schema import definition_schema
from streams.core.triggers.station import STATION_TOPIC, STATION_TRIGGERS

REST = """
variables: [{name: who, source: tags.user_id}]
activities: [{id: tell, type: service, action: log, message: hi}]
"""


def process(trigger: str) -> Process:
    return compile_process(parse_definition(f"id: a\ntrigger: {{{trigger}}}{REST}"))


def event(kind: str, tags: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    always = {"event": kind, "user_id": "u1", "alert_id": "a1", "zone_id": "cold"}
    return {"tags": always | (tags or {}), "fields": {"groups": ["staff", "night"], "text": "Hello 42"} | fields}


@pytest.mark.parametrize("kind", STATION_TRIGGERS)
def test_a_trigger_is_set_off_by_its_own_event_only(kind: str) -> None:
    [trigger] = process(f"type: {kind}").triggers
    assert (trigger.topic, trigger.kind) == (STATION_TOPIC, kind)
    assert [other for other in STATION_TRIGGERS if trigger.matches(event(other))] == [kind]
    assert trigger.matches({"fields": {}}) is False
    key = "a1" if kind.startswith("alert") else "u1"
    assert trigger.key_of(event(kind), "record key") == key


@pytest.mark.parametrize(
    ("trigger", "yes", "no"),
    [
        ("type: zone_entry, config: {zone_id: cold}", {}, {"zone_id": "hot"}),
        ("type: zone_entry, zone_id: [hot, cold]", {}, {"zone_id": None}),
        ("type: zone_exit, user_id: [u1, u2]", {}, {"user_id": "u3"}),
        ("type: alert_created, severity: [critical, error]", {"severity": "error"}, {"severity": "info"}),
        ("type: alert_resolved, alert_key: hot", {"alert_key": "hot"}, {"alert_key": None}),
        ("type: alert_acknowledged, zone_id: cold, user_id: u1", {}, {"user_id": None}),
        ("type: message_received, channel: night", {"channel": "night"}, {"channel": "day"}),
        ("type: bot_trigger_fired, bot_id: b, trigger: help", {"bot_id": "b", "trigger": "help"}, {"bot_id": "b"}),
        ("type: user_group_changed, group_id: staff, change: added", {"group_id": "staff", "change": "added"},
         {"group_id": "staff", "change": "removed"}),
        ("type: user_online, condition: tags.user_id == 'u1'", {}, {"user_id": "u2"}),
        ("type: user_offline, all: [tags.user_id != 'u2', tags.zone_id == 'cold']", {}, {"zone_id": "hot"}),
        ("type: user_registered, any: [tags.user_id == 'u2', tags.zone_id == 'cold']", {}, {"zone_id": "hot"}),
    ],
)  # fmt: skip
def test_filters_and_conditions_choose_among_the_events(trigger: str, yes: dict[str, Any], no: dict[str, Any]) -> None:
    [compiled] = process(trigger).triggers
    assert compiled.matches(event(compiled.kind, yes)) is True
    assert not compiled.matches(event(compiled.kind, no))


@pytest.mark.parametrize(
    ("trigger", "fields", "wanted"),
    [
        ("type: zone_entry, group_id: [guests, night]", {}, True),
        ("type: zone_entry, group_id: guests", {}, False),
        ("type: message_received, contains: lo 4", {}, True),
        ("type: message_received, contains: lo 4", {"text": "nothing"}, False),
        (r"type: message_received, pattern: '^Hello \d+$'", {}, True),
        (r"type: message_received, pattern: '^Hello \d+$'", {"text": "Hello there"}, False),
        ("""type: message_received, contains: '"] || true || ["'""", {}, False),
        ("type: message_received, contains: '${text}'", {"text": "a ${text}"}, True),
    ],
)
def test_filters_look_into_groups_and_texts(trigger: str, fields: dict[str, Any], wanted: bool) -> None:
    [compiled] = process(trigger).triggers
    assert compiled.matches(event(compiled.kind, **fields)) is wanted


def test_a_filter_over_a_field_that_an_event_lacks_is_no_match_and_no_error() -> None:
    [compiled] = process("type: zone_entry, group_id: staff").triggers
    assert compiled.matches({"tags": {"event": "zone_entry"}, "fields": {}}) is None


def test_variables_come_from_the_event_and_do_not_follow_the_next_one() -> None:
    one = process("type: zone_entry, key: tags.zone_id, priority: 7, max_age: 1h, mode: parallel")
    [trigger] = one.triggers
    assert (trigger.priority, trigger.max_age_ms, trigger.mode) == (7, 3_600_000, "parallel")
    assert trigger.key_of(event("zone_entry"), None) == "cold"
    assert one.start_variables(event("zone_entry")) == {"who": "u1"}
    assert one.live_topics == {}
    assert one.definition.topics == (STATION_TOPIC,)


def test_a_telemetry_trigger_beside_one_of_the_station_keeps_its_live_variables() -> None:
    text = "id: a\ntriggers: [{type: zone_entry}, {type: redpanda, topic: t}]" + REST
    assert list(compile_process(parse_definition(text)).live_topics) == ["t"]


def test_both_spellings_are_one_definition_and_fit_the_schema() -> None:
    inline = f"id: a\ntrigger: {{type: alert_created, severity: critical}}{REST}"
    nested = f"id: a\ntrigger: {{type: alert_created, config: {{severity: [critical]}}}}{REST}"
    first, second = parse_definition(inline), parse_definition(nested)
    assert first.hash == second.hash
    written = first.model_dump(mode="json")
    assert written["triggers"] == [{"type": "alert_created", "config": {"severity": ["critical"]}}]
    assert type(first).model_validate(written) == first
    schema = definition_schema()
    jsonschema.validate(written, schema)
    jsonschema.validate({**written, "triggers": [{"type": "alert_created", "severity": "critical"}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**written, "triggers": [{"type": "alert_created", "serverity": "critical"}]}, schema)


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ("type: zone_entry, zone: cold", "f:2:29: trigger.zone: Unknown field 'zone'"),
        ("type: zone_entry, zone_id: 5", "f:2:38: trigger.zone_id: Expected a list, but got 5"),
        ("type: zone_entry, config: cold", "f:2:37: trigger.config: Expected a mapping as 'config'"),
        ("type: zone_enter", "f:2:17: trigger.type: Unknown type 'zone_enter' of trigger"),
        ("type: message_received, pattern: 'a('",
         "f:2:44: trigger.pattern: Expected a regular expression (RE2), but got 'a('"),
        ("type: user_group_changed, change: moved",
         "f:2:45: trigger.change: Expected 'added' or 'removed', but got 'moved'"),
        ("type: zone_entry, topic: t", "f:2:29: trigger.topic: Unknown field 'topic'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(trigger: str, said: str) -> None:
    definition, problems = check_definition(f"id: a\ntrigger: {{{trigger}}}{REST}", "f")
    assert definition is None
    assert said in [str(problem).splitlines()[0] for problem in problems]
