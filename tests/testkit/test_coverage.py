"""What the tests have run of a definition."""

from pathlib import Path

import pytest

from streams.core.parse import parse_definition
from weir.testkit.coverage import Coverage
from weir.testkit.run import run

PROJECT = Path(__file__).parents[2]
FORMS = """\
id: pump
name: Pump
version: 1
trigger: {type: api}
variables: [{name: n, type: integer, required: true}]
activities:
  - id: route
    type: decision
    cases: [{when: n == 1, next: ask}, {when: n == 2, next: say}]
    default: both
  - {id: ask, type: message, name: go, timeout: 1m, on_timeout: late, next: end}
  - {id: late, type: transform, set: {n: 5}, next: end}
  - id: say
    type: service
    action: notify
    config: {message: hello}
    condition: n < 2
    retry: none
    on_error: {broken: late, default: late}
    next: both
  - id: both
    type: parallel
    branches: {a: [{id: inner, type: transform, set: {n: 7}, condition: n == 3}]}
  - {id: end, type: end}
"""


@pytest.fixture
def covered(suite, topics):
    """The parts that some test, given without its name, runs."""

    def of(text: str) -> set[str]:
        loaded = suite(f"tests: [{{name: it, {text}, expect: [{{}}]}}]", FORMS)
        assert loaded.problems == []
        coverage = Coverage(loaded.definitions[0])
        coverage.add(run(loaded, 0, topics).events)
        return coverage.covered

    return of


def _start(n: int) -> str:
    return f"do: [{{start_process: {{variables: {{n: {n}}}}}}}]"


def test_every_part_has_its_name_in_the_order_of_the_definition():
    assert Coverage(parse_definition(FORMS)).parts == (
        *("route", "route.cases[1]", "route.cases[2]", "route.default", "ask", "ask.on_timeout", "late"),
        *("say", "say.condition", "say.on_error.broken", "say.on_error.default"),
        *("both", "inner", "inner.condition"),
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (_start(1), {"route", "route.cases[1]", "ask"}),
        (f"{_start(1)}, until: 1m", {"route", "route.cases[1]", "ask", "ask.on_timeout", "late"}),
        (_start(2), {"route", "route.cases[2]", "say.condition", "both", "inner.condition"}),
        (_start(3), {"route", "route.default", "both", "inner"}),
    ],
)
def test_a_part_is_covered_by_going_there(covered, text, parts):
    assert covered(text) == parts


@pytest.mark.parametrize(("error", "part"), [("broken", "say.on_error.broken"), ("other", "say.on_error.default")])
def test_the_handlers_of_errors_are_covered_each_by_its_type(suite, topics, error, part):
    text = f"tests: [{{name: it, {_start(1)}, stubs: {{say: [{{error: {error}}}]}}, expect: [{{}}]}}]"
    loaded = suite(text, FORMS.replace("n == 1", "n == 0").replace("n == 2", "n == 1"))
    coverage = Coverage(loaded.definitions[0])
    coverage.add(run(loaded, 0, topics).events)
    assert coverage.covered == {"route", "route.cases[2]", "say", part, "late"}
    assert coverage.percent == pytest.approx(100 * 5 / 14)
    assert set(coverage.missing) == set(coverage.parts) - coverage.covered
