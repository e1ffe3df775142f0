"""``${secrets.name}``: where it may stand, and that nothing but its own place is ever taken for it."""

from typing import Any

import pytest

from streams.core.expressions import Mark, compile_template, filled
from streams.core.parse import check_definition, parse_definition
from streams.core.process import compile_process
from tests.core.plant import Plant

HEAD = "id: a\nversion: 1\ntrigger: {type: api}\nvariables: [{name: x}]\nactivities:\n"
HTTP = "  - {id: tell, type: service, action: http_request, config: {%s}}\n"
REFUSED = "Expected an expression without secrets"


def said(activities: str) -> list[str]:
    return [str(one) for one in check_definition(HEAD + activities, "f")[1]]


def rendered(source: Any, variables: dict[str, Any]) -> tuple[Any, list[Mark]]:
    template = compile_template(source, secrets=True)
    return template.render(variables), template.marks(variables)


def test_a_secret_is_marked_and_filled_in_where_it_stands() -> None:
    source = {"h": {"Authorization": "Bearer ${secrets.token}"}, "b": [1, "${x}-${secrets.a}${ secrets.token }ü"]}
    config, marks = rendered(source, {"x": "é"})
    assert config == {"h": {"Authorization": "Bearer ${secrets.token}"}, "b": [1, "é-${secrets.a}${secrets.token}ü"]}
    assert marks == [Mark(("h", "Authorization"), 7, "token"), Mark(("b", 1), 2, "a"), Mark(("b", 1), 14, "token")]
    done = filled(config, marks, {"token": "T", "a": "${secrets.token}"})
    assert done == {"h": {"Authorization": "Bearer T"}, "b": [1, "é-${secrets.token}Tü"]}
    assert config["h"] == {"Authorization": "Bearer ${secrets.token}"}


def test_what_a_variable_brings_along_is_no_secret() -> None:
    forged = "${secrets.token}"
    config, marks = rendered({"a": "${x}", "b": "${x} ${secrets.real}", "c": "$${secrets.token}"}, {"x": forged})
    assert [(mark.path, mark.name) for mark in marks] == [(("b",), "real")]
    done = filled(config, marks, {"real": "R", "token": "stolen"})
    assert done == {"a": forged, "b": f"{forged} R", "c": forged}


@pytest.mark.parametrize(
    ("config", "mark"),
    [
        ({"a": "x"}, Mark(("a",), 0, "s")),
        ({"a": "${secrets.s}"}, Mark(("b",), 0, "s")),
        ({"a": ["${secrets.s}"]}, Mark(("a", 1), 0, "s")),
        ({"a": 5}, Mark(("a",), 0, "s")),
    ],
)
def test_a_mark_that_does_not_fit_is_refused(config: Any, mark: Mark) -> None:
    with pytest.raises(ValueError, match=r"Expected \$\{secrets\.s\} at"):
        filled(config, [mark], {"s": "S"})


def test_an_action_of_a_worker_may_have_them_in_url_headers_and_body() -> None:
    text = HTTP % "url: 'https://p/${secrets.hook}', headers: {A: '${secrets.a}'}, body: {b: ['${secrets.b}']}"
    process = compile_process(parse_definition(HEAD + text))
    config = process.activities["tell"].config  # type: ignore[attr-defined]
    assert config.secrets == {"hook", "a", "b"}
    assert [mark.path for mark in config.marks({})] == [("url",), ("headers", "A"), ("body", "b", 0)]


@pytest.mark.parametrize(
    "activity",
    [
        "  - {id: d, type: decision, condition: 'secrets.a == x', true_path: end, false_path: end}\n",
        "  - {id: l, type: service, action: log, config: {message: 'It is ${secrets.a}'}}\n",
        "  - {id: s, type: service, action: script, config: {source: 'output = {}', input: '${secrets.a}'}}\n",
        "  - {id: n, type: service, action: notify, config: {message: '${secrets.a}'}}\n",
        HTTP % "url: 'https://p/${secrets.a + x}'",
        HTTP % "url: 'https://p/${size(secrets.a)}'",
        HTTP % "url: 'https://p/${secrets}'",
        HTTP % "url: 'https://p/${secrets[\"a\"]}'",
    ],
)
def test_elsewhere_they_are_refused_with_the_fix(activity: str) -> None:
    problems = said(activity)
    assert [REFUSED in one and "write ${secrets.name}, alone" in one for one in problems] == [True], problems


def test_the_mistake_has_its_column() -> None:
    [problem] = said(HTTP % "url: 'https://p/${x + secrets.a}'")
    line = (HTTP % "url: 'https://p/${x + secrets.a}'").splitlines()[0]
    assert problem.startswith(f"f:6:{line.index('secrets.a') + 1}:"), problem


def test_a_request_says_where_its_secrets_stand_and_what_they_are_nowhere() -> None:
    text = HTTP % "url: 'https://p/', headers: {Authorization: 'Bearer ${secrets.token} ${x}'}"
    plant = Plant(HEAD + text)
    plant.start("a", x="ü")
    asked = plant.log[-1]
    assert asked.data["config"]["headers"] == {"Authorization": "Bearer ${secrets.token} ü"}
    assert asked.data["secrets"] == [{"path": ["headers", "Authorization"], "offset": 7, "name": "token"}]
