"""The station's form: what it stands for, and what a mistake in it is told."""

from typing import Any

import pytest

from streams.core.parse import DefinitionError, validate_definition
from streams.core.process import compile_process
from streams.core.station_conditions import OPERATORS, FormError, condition_of
from streams.core.station_form import form_definition

FORM: dict[str, Any] = {
    "name": "Vault guard",
    "description": "Somebody is where nobody should be",
    "triggers": [
        {"trigger_type": "zone_entry", "trigger_config": {"zone_id": 5, "group_id": ["guests"]}, "priority": 3,
         "conditions": {"operator": "AND", "conditions": [
             {"field": "user_id", "operator": "!=", "value": "ann"},
             {"any": [{"field": "lat", "operator": "gt", "value": 48}, "fields.lon > 16"]}]}},
        {"trigger_type": "time_schedule",
         "trigger_config": {"cron_expression": "0 6 * * *", "timezone": "Europe/Vienna"}},
        {"trigger_type": "manual", "trigger_config": {}},
        {"trigger_type": "user_online", "is_active": False, "trigger_config": {}},
    ],
    "actions": [
        {"action_type": "send_notification", "action_order": 2, "timeout_seconds": 10, "retry_count": 2,
         "action_config": {"group_id": "guards", "message": "${trigger.fields.user_name} is in the vault"},
         "conditions": [{"field": "tags.user_id", "operator": "exists"}]},
        {"action_type": "create_alert", "action_order": 1, "action_config": {"title": "Vault", "zone_id": 5}},
        {"action_type": "trigger_bot", "action_order": 3,
         "action_config": {"bot_id": 7, "trigger": "alarm", "channel": "guards"}},
    ],
}  # fmt: skip


def form(**changes: Any) -> dict[str, Any]:
    return {**FORM, **changes}


def test_a_form_is_a_definition() -> None:
    definition = form_definition(FORM, "process-1", 4)
    assert (definition.id, definition.version, definition.name) == ("process-1", 4, "Vault guard")
    assert [(one.type, one.enabled) for one in definition.triggers] == [
        ("zone_entry", True), ("timer", True), ("api", True), ("user_online", False),
    ]  # fmt: skip
    written = definition.model_dump(mode="json")
    assert written["triggers"][0] == {
        "type": "zone_entry",
        "mode": "parallel",
        "priority": 3,
        "config": {"zone_id": ["5"], "group_id": ["guests"]},
        "condition": (
            '(has(tags.user_id) && tags.user_id != "ann") && '
            "((has(fields.lat) && fields.lat > 48) || (fields.lon > 16))"
        ),
    }
    assert written["triggers"][1] == {
        "type": "timer", "mode": "parallel", "cron": "0 6 * * *", "time_zone": "Europe/Vienna",
    }  # fmt: skip
    alert, notify, bot = (one for one in written["activities"] if one["type"] == "service")
    assert (alert["id"], alert["action"], alert["config"]["zone_id"]) == ("action_2", "create_alert", "5")
    assert (alert["retry"], alert.get("timeout")) == ({"max_attempts": 1}, None)
    assert (notify["id"], notify["timeout"], notify.get("retry")) == (
        "action_1",
        "10s",
        None,
    )  # the default: 3
    assert notify["condition"] == "(has(trigger.tags.user_id) && true)"
    assert (bot["action"], bot["config"]["bot_id"]) == ("trigger_bot_response", "7")
    assert [alert["next"], notify["next"], bot["next"]] == ["action_1", "action_3", "end"]
    assert validate_definition(written) == definition


def test_what_set_it_off_is_a_variable() -> None:
    process = compile_process(form_definition(FORM, "a"))
    event = {"tags": {"event": "zone_entry", "zone_id": "5", "user_id": "ben"},
             "fields": {"groups": ["guests"], "lat": 48.5, "lon": 16}}  # fmt: skip
    [trigger] = process.triggers
    assert trigger.matches(event) is True
    assert trigger.matches({**event, "tags": {**event["tags"], "user_id": "ann"}}) is False
    assert process.start_variables(event) == {"trigger": event}
    assert process.initial_variables({}) == {"trigger": {}}
    assert process.live_topics == {}


@pytest.mark.parametrize("triggers", [[], None])
def test_without_triggers_people_start_it(triggers: list[Any] | None) -> None:
    [trigger] = form_definition(form(triggers=triggers), "a").triggers
    assert (trigger.type, trigger.mode) == ("api", "parallel")


def test_a_schedule_alone_sets_it_off() -> None:
    triggers = [{"trigger_type": "time_schedule", "trigger_config": {"interval": "1h"}}]
    process = compile_process(form_definition(form(triggers=triggers), "a"))
    moment = {"nominal": "2026-11-29T06:00:00.000Z", "actual": "2026-11-29T06:00:00.020Z"}
    assert process.start_variables(moment) == {"trigger": moment}


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_is_an_expression(operator: str) -> None:
    value: dict[str, Any] = {} if operator == "exists" else {"value": ["a"] if operator.endswith("in") else "a"}
    condition = {"field": "text", "operator": operator, **value}
    triggers = [{"trigger_type": "message_received", "conditions": condition}]
    [trigger] = compile_process(form_definition(form(triggers=triggers), "a")).triggers
    event = {"tags": {"event": "message_received"}, "fields": {"text": "a"}}
    wanted = operator not in {"not_equals", "greater", "less", "not_in"}
    assert trigger.matches(event) is wanted
    assert trigger.matches({"tags": event["tags"], "fields": {}}) is False


def test_a_list_of_groups_contains_one_of_them() -> None:
    assert condition_of({"field": "groups", "operator": "contains", "value": "staff"}, ()) == (
        'has(fields.groups) && "staff" in fields.groups'
    )
    assert condition_of({"not": {"field": "severity", "value": "info"}}, (), "trigger.") == (
        '!(has(trigger.tags.severity) && trigger.tags.severity == "info")'
    )
    assert condition_of({"OR": ["a > 1", ["b", "c"]]}, ()) == "(a > 1) || ((b) && (c))"
    assert [condition_of(none, ()) for none in (None, [], {})] == [None, None, None]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": None}, "name: Expected a name, but it is missing"),
        ({"description": 5}, "description: Expected a text, but got 5"),
        ({"steps": []}, "steps: Unknown field 'steps'"),
        ({"actions": []}, "actions: Expected a list of actions, but got []"),
        ({"actions": None}, "actions: Expected a list of actions, but it is missing"),
        ({"triggers": {}}, "triggers: Expected a list of triggers, but got {}"),
        ({"triggers": [5]}, "triggers[0]: Expected an object, but got 5"),
        ({"triggers": [{"trigger_type": "zone_entrance"}]},
         "triggers[0].trigger_type: Unknown trigger_type 'zone_entrance'"),
        ({"triggers": [{"trigger_type": "zone_entry", "trigger_config": {"zone": 1}}]},
         "triggers[0].trigger_config.zone: Unknown field 'zone'"),
        ({"triggers": [{"trigger_type": "zone_entry", "conditions": "tags.zone_id =="}]},
         "triggers[0].conditions: Expected a value at the end"),
        ({"triggers": [{"trigger_type": "zone_entry", "conditions": {"field": "lat", "operator": "above"}}]},
         "triggers[0].conditions.operator: Unknown operator 'above'"),
        ({"triggers": [{"trigger_type": "zone_entry", "conditions": {"all": [{"value": 1}]}}]},
         "triggers[0].conditions.all[0]: Expected 'field' in the condition, but it is missing"),
        ({"triggers": [{"trigger_type": "zone_entry", "priority": "high"}]},
         "triggers[0].priority: Expected -1000 to 1000 as priority, but got 'high'"),
        ({"triggers": [{"trigger_type": "manual", "conditions": "tags.a == 1"}]},
         "triggers[0].conditions: Expected no conditions of 'manual', which takes none"),
        ({"triggers": [{"trigger_type": "manual", "priority": 5}]},
         "triggers[0].priority: Expected no priority of 'manual', which takes none"),
        ({"triggers": [{"trigger_type": "time_schedule", "trigger_config": {"every": "1h"}, "priority": -1}]},
         "triggers[0].priority: Expected no priority of 'time_schedule', which takes none"),
        ({"labels": {"line": 2}}, "labels.line: Expected"),
        ({"triggers": [{"trigger_type": "time_schedule", "trigger_config": {"cron": "6"}}]}, "triggers[0].cron: "),
        ({"actions": [{"action_type": "send_mesage"}]}, "actions[0].action_type: Unknown action_type 'send_mesage'"),
        ({"actions": [{"action_type": "create_alert"}]}, "actions[0].action_config: Expected a field 'title'"),
        ({"actions": [{"action_type": "create_alert", "action_config": {"title": "${who}"}}]},
         "actions[0].action_config.title: Unknown variable 'who'"),
        ({"actions": [{"action_type": "create_alert", "action_config": []}]},
         "actions[0].action_config: Expected an object as action_config, but got []"),
        ({"actions": [{"action_type": "create_alert", "action_config": {"title": "a"}, "timeout_seconds": 0}]},
         "actions[0].timeout_seconds: Expected 1 to 86400 as timeout_seconds, but got 0"),
        ({"actions": [{"action_type": "create_alert", "action_config": {"title": "a"}, "retry_count": True}]},
         "actions[0].retry_count: Expected 0 to 100 as retry_count, but got True"),
        ({"actions": [{"action_type": "create_alert", "action_config": {"title": "a"}, "conditions": "wrong"}]},
         "actions[0].conditions: Unknown variable 'wrong'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_the_form_has_it(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        form_definition(form(**changes), "a")
    problems = [f"{one.path}: {one.message}" for one in caught.value.problems]
    assert any(problem.startswith(said) for problem in problems), problems


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (5, "Expected a condition, but got 5"),
        ({"any": []}, "Expected a list of conditions, but got []"),
        ({"any": ["a"], "field": "x"}, "Unknown field 'field' of a condition"),
        ({"conditions": ["a"], "operator": "XOR"}, "Expected AND or OR, but got 'XOR'"),
        ({"field": "a b", "value": 1}, "Expected the name of a field, but got 'a b'"),
        ({"field": "a"}, "Expected 'value' in the condition, but it is missing"),
        ({"field": "a", "operator": "exists", "value": 1}, "Expected no 'value'"),
        ({"field": "a", "operator": "in", "value": 1}, "Expected a list beside 'in', but got 1"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": "a"}}}}}}}}}}},
         "Expected conditions that are nested at most 10 deep"),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_told(condition: Any, says: str) -> None:
    with pytest.raises(FormError) as caught:
        condition_of(condition, ())
    assert str(caught.value) == says


def test_a_form_that_is_no_object_is_told() -> None:
    with pytest.raises(DefinitionError, match="Expected an object with name, triggers and actions, but got"):
        form_definition([], "a")
