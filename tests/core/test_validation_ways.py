"""Checks that need the whole definition."""

import pytest

from streams.core.parse import check_definition

HEAD = "id: x\ntrigger: {type: api}\nvariables: [{name: n, value: 1}]\nactivities:\n"


def said(*activities: str) -> list[str]:
    """The problems of a definition with these activities, without their places."""
    text = HEAD + "".join(f"  - {{{one}}}\n" for one in activities)
    _, problems = check_definition(text)
    return [f"{one.severity}: {one.path}: {one.message}" for one in problems]


def test_a_loop_must_wait() -> None:
    check = "id: check, type: decision, condition: n > 1, true_path: note, false_path: end"
    note = "id: note, type: service, action: log, message: again, next: check"
    assert said(check, note) == ["error: activities[check]: The loop check → note → check never waits"]
    for waits in (
        "id: note, type: timer, duration: 1s, next: check",
        "id: note, type: message, name: go, next: check",
        "id: note, type: service, action: notify, message: again, next: check",
    ):
        assert said(check, waits) == []


def test_a_loop_is_found_behind_others_that_wait() -> None:
    assert said(
        "id: wait, type: timer, duration: 1s",
        "id: a, type: decision, condition: n > 1, true_path: wait, false_path: b",
        "id: b, type: decision, condition: n > 2, true_path: wait, false_path: a",
    ) == ["error: activities[a]: The loop a → b → a never waits"]


@pytest.mark.long
def test_a_long_process_is_no_problem() -> None:
    steps = [f"id: s{n}, type: service, action: log, message: '${{n}}'" for n in range(2000)]
    assert said(*steps) == []


def test_what_nothing_leads_to_is_a_warning() -> None:
    assert said(
        "id: a, type: timer, duration: 1s, condition: n > 0, next: end",
        "id: b, type: timer, duration: 1s, next: c",
        "id: c, type: timer, duration: 1s, next: b",
        "id: end, type: end",
    ) == [
        "warning: activities[b]: Nothing leads to activity 'b'",
        "warning: activities[c]: Nothing leads to activity 'c'",
    ]


def test_an_output_is_a_variable() -> None:
    listen = "id: listen, type: message, name: go, output: {speed: payload.speed}"
    say = 'id: say, type: service, action: log, message: "${speed} ${n}"'
    assert said(listen, say) == []
    assert said(listen, say.replace("speed", "spead")) == ["error: activities[say].message: Unknown variable 'spead'"]


@pytest.mark.parametrize("name", ["in", "has", "true", "null", "and", "secrets"])
def test_some_names_are_reserved(name: str) -> None:
    listen = f"id: listen, type: message, name: go, output: '{name}'"
    assert said(listen) == [f"error: activities[listen].output: The name {name!r} is reserved"]


def test_unknown_names_are_found_in_every_expression() -> None:
    assert said(
        "id: d, type: decision, condition: a > 1 && n > 1, true_path: s, false_path: s",
        'id: s, type: service, action: mqtt_publish, topic: "t/${b}", payload: {x: ["${c}", {y: "z ${d.e} ${n}"}]}',
    ) == [
        "error: activities[d].condition: Unknown variable 'a'",
        "error: activities[s].topic: Unknown variable 'b'",
        "error: activities[s].payload.x[0]: Unknown variable 'c'",
        "error: activities[s].payload.x[1].y: Unknown variable 'd'",
    ]


def test_a_mistake_in_one_activity_does_not_hide_those_in_others() -> None:
    assert said(
        "id: t, type: timer",
        "id: u, type: tymer",
        "id: v, type: timer, duration: 1s, next: w",
        "id: d, type: decision, condition: q > 1, true_path: u, false_path: t",
    ) == [
        "error: activities[t]: Expected 'duration' or 'until', but there is neither",
        "error: activities[u].type: Unknown type 'tymer' of activity",
        "error: activities[v].next: Unknown activity 'w'",
        "error: activities[d].condition: Unknown variable 'q'",
    ]


def triggers(*conditions: str) -> list[str]:
    """The problems of a definition with a trigger of each condition, or list of them, on the same topic."""
    text = "".join(f"  - {{type: redpanda, topic: heatpump-telemetry, {one}}}\n" for one in conditions)
    _, problems = check_definition(f"id: x\ntriggers:\n{text}activities: [{{id: a, type: timer, duration: 1s}}]\n")
    return [one.message for one in problems]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("condition: fields.t > 30", "condition: fields.t < 20"),
        ("condition: fields.t > 30", "all: [fields.t > 10, fields.t < 20]"),
        ("condition: 30 < fields.t", "condition: 20 > fields.t"),
        ("condition: fields.on", "condition: '!fields.on'"),
        ("condition: fields.a > fields.b", "condition: fields.c > fields.d"),
    ],
)
def test_triggers_that_nobody_knows_a_common_reading_for_are_no_problem(one: str, other: str) -> None:
    assert triggers(one, other) == []


def test_triggers_of_very_many_alternatives_are_looked_at_as_far_as_that_is_quick() -> None:
    many = ", ".join(f"fields.a{number} == 1 || fields.a{number} == 2" for number in range(49))
    assert triggers(f"all: [fields.z > 0, {many}]", "condition: fields.z < 0") == []
    assert len(triggers(f"all: [fields.z > 0, {many}]", "condition: fields.z > 9")) == 1
