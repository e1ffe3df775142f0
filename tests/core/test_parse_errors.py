"""Every mistake is told with its place and what to write instead; all at once."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.parse import DefinitionError, check_definition, parse_definition, validate_definition

TEXT = (Path(__file__).parent.parent.parent / "definitions" / "temperature-control.yaml").read_text()
CASES = re.findall(
    r"=== replace\n(.*?)\n=== by\n(.*?)\n=== problems\n(.*?)\n(?:\n|\Z)",
    (Path(__file__).parent / "definition_errors.txt").read_text(),
    re.DOTALL,
)


def said(text: str) -> list[str]:
    """The problems of a definition, a line each."""
    _, problems = check_definition(text)
    return [f"{one.line}:{one.column} {one.path}: {one.message}" + f" | {one.fix}" * bool(one.fix) for one in problems]


@pytest.mark.parametrize(
    ("old", "new", "expected"), CASES, ids=[f"{index} {case[1]}" for index, case in enumerate(CASES)]
)
def test_a_mistake_is_told_like_this(old: str, new: str, expected: str) -> None:
    assert old in TEXT
    assert said(TEXT.replace(old, new, 1)) == expected.splitlines()


def test_a_problem_is_shown_with_its_line_and_a_caret() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_definition(TEXT.replace("true_path: activate_cooling", "true_path: activate_coling"), "my.yaml")
    assert str(caught.value) == (
        "my.yaml:28:16: activities[check_temp].true_path: Unknown activity 'activate_coling'\n"
        "   28 |     true_path: activate_coling\n"
        "      |                ^\n"
        "        Did you mean 'activate_cooling'?"
    )


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = TEXT.replace("type: redpanda", "type: redpander").replace("duration: 5m", "duration: 5").replace(
        "next: wait_recheck", "next: nowhere"
    ).replace("${temperature} <=", "${temprature} <=").replace("version: 1", "versoin: 1")  # fmt: skip
    assert [line.split(": ", 1)[0] for line in said(text)] == [
        "5:1 versoin",
        "8:9 trigger.type",
        "39:11 activities[activate_cooling].next",
        "43:15 activities[wait_recheck].duration",
        "48:18 activities[recheck_temp].condition",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1 : Expected a definition, with 'id:', 'trigger:' and 'activities:'"),
        ("# nothing", "1:1 : Expected a definition, with 'id:', 'trigger:' and 'activities:'"),
        ("just text", "1:1 : Expected a definition, with 'id:', 'trigger:' and 'activities:'"),
        ("- a\n- b", "1:1 : Expected a definition, with 'id:', 'trigger:' and 'activities:'"),
        ("a: 1\nb: 2\na: 3", "3:1 a: The key 'a' is there twice"),
        ("a: [1, 2\nb: 3", "2:2 : This is no YAML: expected ',' or ']', but got ':' while parsing a flow sequence"),
        ("a: 1\n\tb: 2", "2:1 : This is no YAML: found character '\\t' that cannot start any token"),
        ("a: 'b", "1:6 : This is no YAML: found unexpected end of stream while scanning a quoted scalar"),
        ("a: 1\n---\nb: 2", "2:1 : Expected one definition, but got a second document"),
        ("a: !!python/object:os.system x", "1:4 : Expected a plain value, but got the tag"),
        ("a: *b", "1:4 : Unknown alias '*b'"),
        ("a: &x [*x]", "1:8 : Unknown alias '*x'"),
        ("<<: {a: 1}", "1:1 : Expected a name as key, but got '<<'"),
        ("? [a]\n: b", "1:3 : Expected a name as key, but got a list or a mapping"),
        ("a: \x07", "1:4 : Expected printable text, but got U+0007"),
        ("a: b\nc: \x00", "2:4 : Expected printable text, but got U+0000"),
        ("a: \ud800", "1:4 : Expected printable text, but got U+D800"),
        ('a: "\\0"', "1:4 a: Expected texts without U+0000 and lone surrogates"),
        ('a: "\\ud800"', "1:4 a: Expected texts without U+0000 and lone surrogates"),
        ("a: [1, .inf]", "1:8 a[1]: Expected a finite number, but got inf"),
        ("a: -.INF", "1:4 a: Expected a finite number, but got -inf"),
        ("a: .NaN", "1:4 a: Expected a finite number, but got nan"),
        ("a: 1e999", "1:4 a: Expected a finite number, but got inf"),
        ("a: " + "9" * 5000, "1:4 a: Expected a finite number, but got inf"),
        ("a: 9223372036854775808", "1:4 a: Expected a number below 2^63, but got 9223372036854775808"),
        ("a: " + "x" * 1_000_000, "1:1 : Expected at most 1,000,000 bytes"),
        ("a: " + "[" * 60 + "]" * 60, "1:54 : Expected at most 50 levels"),
        ("[" * 500_000, "1:52 : Expected at most 50 levels"),
        ("a: [" + "1," * 30_000 + "]", "1:40001 : Expected at most 20,000 values"),
    ],
)
def test_what_is_no_definition_at_all_is_refused(text: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in said(text))


def test_a_bomb_of_aliases_is_refused_before_it_unfolds() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert said("\n".join(lines))[0].endswith("Expected at most 20,000 values | Split it into several definitions")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, "<definition>: Expected a definition, with 'id:', 'trigger:' and 'activities:'"),
        ({"id": "a\0"}, "<definition>: id: Expected texts without U+0000 and lone surrogates"),
        ({"\ud800": 1}, "<definition>: Expected texts without U+0000 and lone surrogates"),
        ({"id": float("nan")}, "<definition>: id: Expected a finite number, but got nan"),
        ({"id": 2**63}, "<definition>: id: Expected a number below 2^63, but got 9223372036854775808"),
        ({"a": [0] * 20_001}, "<definition>: Expected at most 20,000 values and 50 levels"),
    ],
)
def test_json_is_held_to_the_same_limits(data: Any, expected: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        validate_definition(data)
    assert str(caught.value).splitlines()[0] == expected


def test_a_problem_in_json_has_a_path_and_no_line() -> None:
    data = parse_definition(TEXT).model_dump(mode="json")
    data["activities"][3]["duration"] = "soon"
    with pytest.raises(DefinitionError) as caught:
        validate_definition(data)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.path) == (None, None, "activities[wait_recheck].duration")


VALUES = st.sampled_from([
    None, True, 0, -1, 1.5, "", "x", "end", "start", "check_temp", "${temperature}", "${", "a > 1", "5m", [], {}, ["x"],
    {"a": 1}, "service", "decision", "message", "log", "redpanda", "api", "\0", float("nan"), 2**70,
]).map(deepcopy)  # fmt: skip  # each example changes what it has drawn
KEYS = st.sampled_from([
    "id", "type", "next", "name", "config", "action", "message", "topic", "condition", "true_path", "output", "source",
    "value", "default", "live", "all", "key", "mode", "duration", "trigger", "triggers", "activities", "variables",
])  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in ``value``."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else [])
    return [(value, key) for key, _ in items] + [place for _, item in items for place in places(item)]


@given(st.data())
def test_any_definition_is_accepted_or_refused_in_words(data: st.DataObject) -> None:
    definition = parse_definition(TEXT).model_dump(mode="json")
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(definition) or [(definition, "id")]))
        if isinstance(container, dict) and data.draw(st.booleans()):
            container[data.draw(KEYS)] = data.draw(VALUES)
        elif data.draw(st.booleans()):
            container[key] = data.draw(VALUES)
        else:
            del container[key]
    try:
        accepted = validate_definition(definition)
    except DefinitionError as error:
        described = str(error)
    else:
        described = ""
        assert validate_definition(accepted.model_dump(mode="json")) == accepted
    assert "Traceback" not in described


@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 8),
    st.sampled_from([*"{}[]:-'\"|>#!?&*%@`\n\t é", "${", " - ", "&a "]),
)
def test_any_text_is_accepted_or_refused_with_a_line(at: int, length: int, new: str) -> None:
    text = TEXT[:at] + new + TEXT[at + length :]
    _, problems = check_definition(text)
    for problem in problems:
        assert problem.line is not None
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.text in text


POINTED = """
id: pointed
version: 1
trigger: {type: api}
variables: [{name: x, value: 1}, {name: xs, value: [1]}]
activities:
  - id: a
    type: decision
    condition: %s
    true_path: end
    false_path: b
  - id: b
    type: service
    action: log
    config:
      message: %s
  - {id: end, type: end}
"""


@pytest.mark.parametrize(
    "condition",
    [
        "x > ¦y",
        "string(x) == '${' || ¦y",
        "string(x) == 'y' || ¦y",
        "\"'y' == ¦y\"",
        "xs.exists(y, y > 1) && ¦y > 2",
        "x.y.y > 0 && ¦y",
        "\"x['y'] > 0 && ¦y > 0\"",
        "${x} > 0 && ${¦y} > 0",
        "\"${'y' == string(¦y)}\"",
        "has(x.y) && has(¦y.x)",
        "xs. y > 0 && (¦y > 0)",
        "'string(x) == ''y'' && string(x) != '''' && ¦y'",
        '"x > 0 && \\"\\u00b0 y\\" != string(x) && ¦y"',
        "x > 0 &&\n      ¦y > 0",
        "'x > 0\n\n      && ¦y > 0'",
        '"x > 0\\\n      && ¦y > 0"',
        ">-\n      x > 0\n      && ¦y > 0",
        ">\n\n      x > 0\n\n      && x < 9 &&\n      ¦y > 0",
        "|\n      x > 0 // y\n        && ¦y > 0",
        "> # y\n      x >\n      ${¦y}",
    ],
)
def test_the_caret_stands_under_the_unknown_word_of_a_condition(condition: str) -> None:
    _points(POINTED % (condition, "m"))


@pytest.mark.parametrize(
    "message",
    [
        "y is ${¦y}",
        '"$${ y ${¦y}"',
        "\"y is ${x} and 'y' is ${ ¦y }\"",
        "\"$${y} is ${'y' + string(¦y)}\"",
        "it's y, ${xs.map(y, y + 1)}, ${¦y}",
        "|\n        y\n        ${x} ${¦y}",
        ">\n        y\n        ${x}\n        ${¦y}",
    ],
)
def test_the_caret_stands_under_the_unknown_word_of_a_text(message: str) -> None:
    _points(POINTED % ("x > 0", message))


def test_what_is_written_elsewhere_is_pointed_at_where_it_is_named() -> None:
    text = "id: t\nversion: 1\ntrigger: {type: api}\nactivities:\n"
    text += "  - {id: a, type: timer, condition: &c 1 > y, duration: 1s}\n"
    problems = check_definition(text + "  - {id: b, type: timer, duration: 1s, condition: *c}\n")[1]
    told = [(one.line, one.column) for one in problems if "Unknown variable" in one.message]
    assert told == [(5, 37), (6, 51)]


@pytest.mark.parametrize("name", ["when", "where", "condition"])
def test_what_is_only_called_as_a_condition_is_none(name: str) -> None:
    head = "id: t\nversion: 1\ntrigger: {type: api}\nvariables: [{name: x, value: 1}]\nactivities:\n"
    for activity in (
        f"type: transform, set: {{{name}: '${{x + 1}}'}}",
        f"type: service, action: mqtt_publish, config: {{topic: a, payload: {{{name}: '${{x}}'}}}}",
        f"type: subprocess, process: other, input: {{{name}: '${{x}}'}}",
        f"type: rules, rules: [{{when: {{x: '> 3'}}, then: {{{name}: 1}}}}], default: {{{name}: '${{x}}'}}",
    ):
        assert said(f"{head}  - {{id: a, {activity}}}\n") == []


def _points(text: str) -> None:
    before, _, after = text.partition("¦")
    problems = [one for one in check_definition(before + after)[1] if "Unknown variable" in one.message]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert [(one.line, one.column) for one in problems] == [(line, column)]


def test_the_caret_stands_under_the_unknown_word_of_a_cell() -> None:
    _points(
        "id: t\nversion: 1\ntrigger: {type: api}\nvariables: [{name: x, value: 1}]\nactivities:\n"
        "  - id: r\n    type: rules\n"
        "    rules: [{when: {x: \"not ('y', ¦y)\"}, then: {x: 2}}, {when: {x: '-'}, then: {x: 3}}]\n"
    )
