"""Templates: what they become, and where their mistakes are."""

from pathlib import Path
from typing import Any

import pytest

from streams.core.document import read_yaml
from streams.core.parse import parse_definition
from streams.core.templates import ParametersError, Template, fill, read_template, template_text

SHIPPED = sorted((Path(__file__).parents[2] / "definitions" / "templates").glob("*.yaml"))
TEXT = """\
kind: template
id: alarm
parameters:
  id: {example: hot}
  limit: {type: number, example: 70}
  every: {type: duration, default: 5m}
  note: {required: false}
  on: {choices: [day, night], default: day}
  rooms: {type: array, default: [r1, r2]}
definition:
  # kept
  id: "{{ id }}"
  trigger: {type: api}
  variables:
    - {name: limit, value: "{{ limit }}"}   # the limit
    - {name: rooms, value: "{{rooms}}"}
    - {name: room, value: r1}
  activities:
    - {id: wait, type: timer, duration: "{{ every }}"}
    - {id: check, type: decision, condition: "limit > {{ limit }} && room in {{ rooms }}", true_path: say,
       false_path: say}
    - id: say
      type: service
      action: log
      message: |
        {{ id }} on {{ on }}{{ note }}
        ${limit}
"""

SAY = TEXT[TEXT.index("- id: say") :].rstrip()


def template(text: str = TEXT) -> Template:
    found, problems = read_template(text, "alarm.yaml")
    assert found is not None, problems
    return found


def problems(text: str) -> list[str]:
    found, problems = read_template(text, "t.yaml")
    assert found is None
    return [f"{one.line}:{one.column} {one.path}: {one.message} / {one.fix}" for one in problems]


def test_a_placeholder_alone_is_its_value_and_within_a_text_its_text() -> None:
    filled = fill(template(), {"id": "warm", "limit": 25.5})
    definition, found = filled.check()
    assert definition is not None, found
    variables = {one.name: one.value for one in definition.variables}
    assert variables == {"limit": 25.5, "rooms": ["r1", "r2"], "room": "r1"}
    content = definition.model_dump(mode="json")["activities"]
    assert content[1]["duration"] == "5m"
    assert content[2]["condition"] == 'limit > 25.5 && room in ["r1", "r2"]'
    assert content[3]["config"]["message"] == "warm on day\n${limit}\n"


def test_the_text_of_an_instance_reads_the_same_and_keeps_the_comments() -> None:
    filled = fill(template(), {"id": "warm", "limit": 25.5, "note": ": careful"})
    text = filled.text()
    assert read_yaml(text).data == filled.data
    assert text.startswith("# Made from the template alarm with\n#   id: warm\n#   limit: 25.5\n")
    assert "# the limit" in text
    definition, _ = filled.check()
    assert definition is not None
    assert parse_definition(text).hash == definition.hash


@pytest.mark.parametrize(
    "value", ["on", "1", "", "a: b", "- x", "#", "{{ id }}", "'", '"', "\\", "${limit}", " x ", "ü"]
)
def test_any_text_is_only_text(value: str) -> None:
    filled = fill(template(), {"id": "warm", "limit": 1, "note": value})
    assert read_yaml(filled.text()).data == filled.data


@pytest.mark.parametrize("note", ["\x07", "x\rid: y", "x\x85id: y", "x\u2028id: y"])
def test_nor_does_a_text_end_the_line_of_a_comment_or_of_a_block(note: str) -> None:
    filled = fill(template(), {"id": "warm", "limit": 1, "note": note})
    assert read_yaml(filled.text()).data == filled.data


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Expected a value for 'id' (string), such as hot; Expected a value for 'limit' (number), such as 70"),
        ({"id": "a", "limit": "x"}, "limit: Expected a value of type number, but got 'x'"),
        ({"id": "a", "limit": 1, "on": "dusk"}, "on: Expected one of 'day', 'night', but got 'dusk'"),
        ({"id": "a", "limit": 1, "limt": 1}, "Unknown parameter 'limt'. Did you mean 'limit'?"),
    ],
)
def test_values_that_do_not_fit(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParametersError) as caught:
        fill(template(), given)
    assert str(caught.value) == f"alarm: {message}"


def test_a_duration_is_checked() -> None:
    with pytest.raises(ParametersError, match="every: Expected a duration such as"):
        fill(template(), {"id": "a", "limit": 1, "every": "soon"})


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"{{ id }}"\n  trigger', '"{{ id }} {{ on }}"\n  trigger', (12, 7, "id")),
        ("limit > {{ limit }} &&", "limit > {{ limit }} && >", (20, 70, "activities[check].condition")),
        ("{{ id }} on", "{{ id }} ${limt} on", (26, 20, "activities[say].message")),
        ('duration: "{{ every }}"', 'duraton: "{{ every }}"', (19, 31, "activities[wait].duraton")),
        (
            SAY,
            "- {id: say, type: user_task, candidate_users: ['${a b}']}",
            (22, 7, "activities[say].candidates.users[0]"),
        ),
    ],
)
def test_a_mistake_of_an_instance_has_its_place_in_the_template(
    old: str, new: str, place: tuple[int, int, str]
) -> None:
    assert old in TEXT
    definition, found = fill(template(TEXT.replace(old, new)), {"id": "a-much-longer-id", "limit": 123456}).check()
    assert definition is None
    assert (found[0].line, found[0].column, found[0].path) == place
    assert found[0].file == "alarm.yaml"


def test_a_mistake_within_a_value_is_told_at_its_placeholder() -> None:
    text = TEXT.replace("message: |\n        {{ id }} on {{ on }}{{ note }}\n        ${limit}", 'message: "{{ note }}"')
    _, [problem, *_] = fill(template(text), {"id": "a", "limit": 1, "note": "It is ${limt}"}).check()
    assert (problem.line, problem.column, problem.message) == (25, 16, "Unknown variable 'limt'")


def test_a_file_that_is_no_yaml_or_has_a_key_twice_is_no_template() -> None:
    assert problems("kind: template\n\tid: x\n") == [
        (
            "2:1 : This is no YAML: found character '\\t' that cannot start any token while scanning for the next token"
            " / Indent with spaces, not with tabs"
        )
    ]
    assert problems(TEXT.replace("id: alarm\n", "id: alarm\nid: alarm\n")) == [
        "3:1 id: The key 'id' is there twice / Remove one of them"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "{{ limit }} &&",
            "{{ limt }} &&",
            "20:55 definition.activities[check].condition: Unknown parameter 'limt' / Did you mean 'limit'?",
        ),
        (
            "{{ limit }} &&",
            "{{ limit + 1 }} &&",
            (
                "20:55 definition.activities[check].condition: Expected the name of a parameter in {{ }} / "
                "Compute it in an expression: ${...}, or with a parameter of its own"
            ),
        ),
        (
            "{type: number, example: 70}",
            "{type: number, example: hot}",
            "5:34 parameters.limit.example: Expected a value of type number, but got 'hot' / ",
        ),
        (
            "{type: number, example: 70}",
            "{type: number}",
            (
                "5:3 parameters.limit: Expected a 'default' or an 'example' for 'limit', so that the template can be "
                "checked / Add 'example:', a value of type number"
            ),
        ),
        ("id: alarm\n", "", "1:1 : Expected a field 'id', but it is missing / Add 'id:'"),
        (
            "{type: api}",
            '{"{{ on }}": api}',
            "13:13 definition.trigger.{{ on }}: Expected a key without {{ }} / Placeholders stand in values only",
        ),
    ],
)
def test_a_mistake_of_a_template(old: str, new: str, expected: str) -> None:
    assert old in TEXT
    assert problems(TEXT.replace(old, new)) == [expected]


def test_a_parameter_that_nothing_uses_is_a_warning() -> None:
    _, found = read_template(TEXT.replace("{{ note }}", ""))
    assert [(one.severity, one.message) for one in found] == [("warning", "Nothing uses the parameter 'note'")]


def test_a_map_in_an_expression_is_no_placeholder() -> None:
    text = TEXT.replace("${limit}", "${{'a': limit}.a}")
    definition, found = fill(template(text), {"id": "a", "limit": 1}).check()
    assert definition is not None, found


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_template_works_with_its_examples(file: Path) -> None:
    found, problems = read_template(file.read_text(), str(file))
    assert found is not None, problems
    assert problems == []
    assert found.head.id == file.stem
    assert found.head.description
    assert all(one.description for one in found.head.parameters.values())
    filled = fill(found, found.example())
    definition, problems = filled.check()
    assert definition is not None, problems
    assert problems == []
    assert parse_definition(filled.text()).hash == definition.hash


DEFINITIONS = sorted(
    file for file in (Path(__file__).parents[2] / "definitions").glob("*.yaml") if not file.name.endswith(".test.yaml")
)


@pytest.mark.parametrize("file", DEFINITIONS, ids=lambda file: file.stem)
def test_a_template_of_a_definition_makes_it_again(file: Path) -> None:
    definition = parse_definition(file.read_text())
    stored = definition.model_dump(mode="json")
    text = template_text(stored, template_id="copy", name="Copy", description="Of it", category="test")
    template, problems = read_template(text)
    assert template is not None, problems
    assert (template.head.name, template.head.description, template.head.category) == ("Copy", "Of it", "test")
    again, wrong = fill(template, {"id": definition.id}).check()
    assert again is not None, wrong
    assert again.model_dump(mode="json") == stored | {"version": 1}


def test_the_values_of_variables_become_parameters() -> None:
    text = """
id: hot
version: 7
trigger: {type: api}
variables:
  - {name: limit, value: 25.5}
  - {name: rooms, value: [red, green]}
  - {name: quiet, value: true}
  - {name: name, value: not the name of the process}
  - {name: who, required: true}
activities: [{id: end, type: end}]
"""
    stored = parse_definition(text).model_dump(mode="json")
    template, _ = read_template(template_text(stored, template_id="copy"))
    assert template is not None
    kinds = {name: (one.type, one.default) for name, one in template.head.parameters.items()}
    assert kinds == {
        "id": ("string", None),
        "name": ("string", "hot"),
        "limit": ("number", 25.5),
        "rooms": ("array", ["red", "green"]),
        "quiet": ("boolean", True),
    }
    made, _ = fill(template, {"id": "warm", "name": "Warm", "limit": 20, "rooms": []}).check()
    assert made is not None
    assert (made.id, made.name, made.version) == ("warm", "Warm", 1)
    assert [variable.value for variable in made.variables] == [20, [], True, "not the name of the process", None]


@pytest.mark.parametrize("variables", ["", "variables: [{name: limit, value: 25}, {name: note}]\n"])
def test_a_definition_becomes_a_template_that_makes_it_again(variables: str) -> None:
    definition = parse_definition(
        f"id: warm\nname: Warm\nversion: 3\ntrigger: {{type: api}}\n{variables}"
        "activities: [{id: w, type: timer, duration: 1m}]\n"
    )
    made = template(template_text(definition.model_dump(mode="json"), template_id="alarm"))
    again, problems = fill(made, {"id": "warm"}).check()
    assert again is not None, problems
    assert again == definition.model_copy(update={"version": 1})
