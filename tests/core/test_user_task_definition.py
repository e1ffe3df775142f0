"""How a definition says a user task: every spelling, and that editors' schema takes them all."""

from typing import Any

import jsonschema
import pytest

from streams.core.document import read_yaml
from streams.core.parse import parse_definition, validate_definition
from streams.core.process import compile_process
from streams.core.schema import definition_schema

HEAD = (
    "id: x\ntrigger: {type: api}\nvariables: [{name: team, value: [a]}]\nactivities:\n  - {id: ask, type: user_task, "
)

SPELLINGS: list[tuple[str, dict[str, Any]]] = [
    ("candidates: anna", {"candidates": {"users": ["anna"]}}),
    ("candidates: [anna, ben]", {"candidates": {"users": ["anna", "ben"]}}),
    ("candidates: {groups: night}", {"candidates": {"groups": ["night"]}}),
    ("candidate_users: [anna]", {"candidates": {"users": ["anna"]}}),
    (
        'candidate_users: "${team}", candidate_groups: night',
        {"candidates": {"users": ["${team}"], "groups": ["night"]}},
    ),
    ("approvers: anna", {"approvers": ["anna"]}),
    ("approvers: [anna, ben], join: 1", {"approvers": ["anna", "ben"], "join": 1}),
    (
        "approvers: anna, escalation: [{after: 4h, priority: 90}]",
        {"approvers": ["anna"], "escalation": [{"after": "4h", "priority": 90}]},
    ),
    ("reminders: 1d", {"reminders": {"every": "1d"}}),
    ("due: 90m, reminders: {before_due: PT30M}", {"due": "90m", "reminders": {"before_due": "30m"}}),
    ("escalation: [{after: 4h, to: boss}]", {"escalation": [{"after": "4h", "to": {"user": "boss"}}]}),
    ("escalation: [{after: 4h, to: [a, b]}]", {"escalation": [{"after": "4h", "to": {"users": ["a", "b"]}}]}),
    ("escalation: [{after: 4h, to: {group: g}}]", {"escalation": [{"after": "4h", "to": {"group": "g"}}]}),
    ('priority: "${team[0]}"', {"priority": "${team[0]}"}),
    ("priority: 50", {}),
    ("output: answer", {"output": {"answer": "$"}}),
]


@pytest.mark.parametrize(("written", "canonical"), SPELLINGS, ids=[written for written, _ in SPELLINGS])
def test_every_spelling_means_the_canonical_one(written: str, canonical: dict[str, Any]) -> None:
    text = f"{HEAD}{written}}}\n"
    definition = parse_definition(text)
    dumped = definition.model_dump(mode="json")
    [activity] = [one for one in dumped["activities"] if one["id"] == "ask"]
    assert {name: value for name, value in activity.items() if name not in {"id", "type", "next"}} == canonical
    assert validate_definition(dumped) == definition
    compile_process(definition)
    jsonschema.validate(read_yaml(text).data, definition_schema())


@pytest.mark.parametrize(
    "wrong", ["candidate_user: anna", "approvers: {a: b}", "form: 5", "join: []", "reminders: [1d]"]
)
def test_the_schema_for_editors_refuses_what_is_none(wrong: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_yaml(f"{HEAD}{wrong}}}\n").data, definition_schema())
