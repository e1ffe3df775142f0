"""A form that was made a definition comes back as a form that makes the same definition."""

from pathlib import Path

import pytest

from streams.core.parse import parse_definition, validate_definition
from streams.core.station_form import form_definition
from streams.core.station_parts import form_of

FORM = {
    "name": "Door watch",
    "description": "Tells who comes in.",
    "triggers": [
        {
            "trigger_type": "zone_entry",
            "trigger_config": {"zone_id": 5},
            "conditions": {"field": "severity", "value": "high"},
            "priority": 3,
        },
        {"trigger_type": "time_schedule", "trigger_config": {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}},
        {"trigger_type": "manual"},
        {"trigger_type": "user_online", "trigger_config": {"user_id": "ann"}, "is_active": False},
        {"trigger_type": "redpanda", "trigger_config": {"topic": "heatpump-telemetry"}, "conditions": "fields.x > 1"},
    ],
    "actions": [
        {
            "action_type": "create_alert",
            "action_config": {"title": "in: ${trigger.tags.user_id}", "severity": "critical"},
            "conditions": [{"field": "zone_id", "value": "5"}],
            "retry_count": 2,
        },
        {
            "action_type": "send_notification",
            "action_config": {"user_id": "3", "title": "t", "message": "m"},
            "timeout_seconds": 10,
            "action_order": 1,
        },
    ],
}
FOLDER = Path(__file__).parents[2] / "definitions"


def test_there_and_back() -> None:
    definition = form_definition(FORM, "door-watch", 4)
    stored = validate_definition(definition.model_dump(mode="json"))
    form = form_of(stored)
    assert [one["action_type"] for one in form["actions"]] == ["create_alert", "send_notification"]
    assert [one["retry_count"] for one in form["actions"]] == [2, 0]
    assert [one["timeout_seconds"] for one in form["actions"]] == [30, 10]
    high = {"field": "tags.severity", "operator": "equals", "value": "high"}
    of_door = {"field": "tags.zone_id", "operator": "equals", "value": "5"}
    assert [one["conditions"] for one in form["triggers"]] == [high, None, None, None, "fields.x > 1"]
    assert [one["conditions"] for one in form["actions"]] == [{"all": [of_door]}, None]
    assert [(one["trigger_type"], one["is_active"]) for one in form["triggers"]] == [
        ("zone_entry", True), ("time_schedule", True), ("manual", True), ("user_online", False), ("redpanda", True),
    ]  # fmt: skip
    assert [one["id"] for one in form["actions"]] == ["action_1", "action_2"]
    assert form_definition(form, "door-watch", 4).hash == definition.hash


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_any_definition_has_parts(path: Path) -> None:
    text = path.read_text()
    if "\nkind:" in text or path.name.endswith(".test.yaml"):
        return
    definition = parse_definition(text)
    assert len(form_of(definition)["actions"]) == definition.model_dump_json().count('"type":"service"')
