"""What differs between two definitions."""

from typing import Any

import pytest

from streams.core.diff import Change, diff, hindrances
from streams.core.parse import parse_definition

TEXT = """
id: pump
version: 1
triggers:
  - {type: redpanda, topic: heatpump-telemetry, condition: fields.t > 25}
  - {type: api}
variables:
  - {name: limit, value: 25}
activities:
  - {id: check, type: decision, condition: limit > 20, true_path: cool, false_path: done}
  - {id: cool, type: service, action: mqtt_publish, config: {topic: plant, payload: {on: true}}}
  - {id: nap, type: timer, duration: 5m}
  - {id: done, type: service, action: log, message: over}
"""


def changes(*replacements: tuple[str, str]) -> list[Change]:
    text = TEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return diff(parse_definition(TEXT), parse_definition(text))


def test_spelling_order_and_version_do_not_count() -> None:
    assert (
        changes(
            ("version: 1", "version: 2  # the same"),
            ("{id: cool, type: service, ", "{type: service, id: cool, next: nap, "),
            ("duration: 5m", "duration: 300s"),
            ("config: {topic: plant, payload: {on: true}}", "topic: plant, payload: {on: true}"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("id: pump", "id: pump\nname: Pump 1", Change("changed", "process", "pump", "name", "pump", "Pump 1")),
        (
            "fields.t > 25",
            "fields.t > 26",
            Change("changed", "trigger", "redpanda heatpump-telemetry", "condition", "fields.t > 25", "fields.t > 26"),
        ),
        ("  - {type: api}\n", "", Change("removed", "trigger", "api", old={"type": "api"})),
        ("value: 25", "value: 25.0", Change("changed", "variable", "limit", "value", 25, 25.0)),
        (
            "{name: limit, value: 25}",
            "{name: limit, value: 25}\n  - {name: note}",
            Change("added", "variable", "note", new={"name": "note"}),
        ),
        (
            "payload: {on: true}",
            "payload: {on: 1}",
            Change("changed", "activity", "cool", "config.payload.on", True, 1),
        ),
        ("5m", "6m", Change("changed", "activity", "nap", "duration", "5m", "6m")),
        ("{type: api}", "{type: message, name: go}", Change("removed", "trigger", "api", old={"type": "api"})),
        (
            "  - {type: api}\n",
            "  - {type: api}\n  - {type: message, name: go}\n",
            Change("added", "trigger", "message", new={"type": "message", "name": "go"}),
        ),
        (
            "true_path: cool",
            "true_path: nap",
            Change("changed", "activity", "check", "true_path", "cool", "nap", way=True),
        ),
    ],
)
def test_one_change(old: str, new: str, found: Change) -> None:
    assert changes((old, new))[:1] == [found]


def test_an_activity_that_is_removed_changes_the_way_to_it() -> None:
    found = changes(("  - {id: nap, type: timer, duration: 5m}\n", ""))
    assert [(one.kind, one.part, one.name, one.field, one.old, one.new, one.way) for one in found] == [
        ("changed", "activity", "cool", "next", "nap", "end", True),
        (
            "removed",
            "activity",
            "nap",
            "",
            {"type": "timer", "id": "nap", "next": "end", "duration": "5m"},
            None,
            False,
        ),
    ]


@pytest.mark.parametrize(
    ("replacement", "waiting", "found"),
    [
        (("5m", "6m"), {"nap": 3, "cool": 1}, {}),
        (("id: nap", "id: rest"), {"nap": 3}, {"nap": "it is not there any more"}),
        (
            ("type: timer, duration: 5m", "type: message, name: go"),
            {"nap": 1},
            {"nap": "it was a timer, and is a message"},
        ),
    ],
)
def test_who_waits_at_what_is_gone_cannot_go_on(
    replacement: tuple[str, str], waiting: dict[str, int], found: dict[str, Any]
) -> None:
    new = parse_definition(TEXT.replace(*replacement))
    assert hindrances(parse_definition(TEXT), new, waiting) == found


def test_activities_within_others_are_compared_by_their_ids() -> None:
    body = "compensation: [{id: undo, type: service, action: log, message: undo}]"
    old = parse_definition(TEXT.replace("duration: 5m", f"duration: 5m, {body}"))
    new = parse_definition(
        TEXT.replace("duration: 5m", f"duration: 5m, {body.replace('message: undo', 'message: redo')}")
    )
    (change,) = diff(old, new)
    assert change == Change("changed", "activity", "undo", "config.message", "undo", "redo")
    assert hindrances(old, parse_definition(TEXT), {"undo": 1}) == {"undo": "it is not there any more"}
    moved = TEXT.replace("true}}}", f"true}}}}, {body}}}")
    assert hindrances(old, parse_definition(moved), {"undo": 2}) == {
        "undo": "it was within nap.compensation, and is within cool.compensation"
    }
    found = diff(old, parse_definition(moved))
    assert [(one.name, one.field, one.old, one.new, one.way) for one in found] == [
        ("cool", "begins.compensation", None, "undo", True),
        ("undo", "within", "nap.compensation", "cool.compensation", True),
        ("nap", "begins.compensation", "undo", None, True),
    ]


def test_where_an_error_leads_is_a_way() -> None:
    (change,) = changes(("payload: {on: true}}}", "payload: {on: true}}, on_error: done}"))
    assert (change.field, change.new, change.way) == ("on_error.default", "done", True)


def test_an_activity_that_is_added() -> None:
    without = TEXT.replace("  - {id: nap, type: timer, duration: 5m}\n", "")
    *_, added = diff(parse_definition(without), parse_definition(TEXT))
    assert (added.kind, added.part, added.name) == ("added", "activity", "nap")


def test_a_variable_that_is_removed() -> None:
    text = TEXT.replace("variables:\n", "variables:\n  - {name: note}\n")
    found = diff(parse_definition(text), parse_definition(TEXT))
    assert found == [Change("removed", "variable", "note", old={"name": "note"})]


def test_a_change_within_a_list_has_its_place() -> None:
    text = (
        "id: a\ntrigger: {type: api}\nvariables: [{name: t, value: 1}, {name: o}]\nactivities:\n"
        "  - {id: r, type: rules, output: o, rules: [{when: {t: '> 1'}, then: {o: 1}}, {when: {}, then: {o: 2}}],"
        " hit_policy: first}\n  - {id: s, type: service, action: log, message: '${o}'}\n"
    )
    found = diff(parse_definition(text), parse_definition(text.replace("{o: 2}", "{o: 3}")))
    assert found == [Change("changed", "activity", "r", "rules[1].then.o", 2, 3)]
