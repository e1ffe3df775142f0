"""Conditions come back as the form that they were made of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.station_conditions import JOINS, OPERATORS, OTHER_NAMES, condition_of
from streams.core.station_reading import conditions_from

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(0, 1)
    | st.text(max_size=5)
    | st.text('()"\\& |', max_size=5)
)
FIELDS = st.sampled_from(["severity", "fields.lat", "tags.user_id", "groups", "a.b"])


def comparison(operator: str) -> st.SearchStrategy[dict[str, Any]]:
    value = VALUES if OTHER_NAMES.get(operator, operator) not in ("in", "not_in") else st.lists(VALUES, max_size=3)
    given_value = {} if operator == "exists" else {"value": value}
    return st.fixed_dictionaries({"field": FIELDS, "operator": st.just(operator), **given_value})


COMPARISONS = st.sampled_from([*OPERATORS, *OTHER_NAMES]).flatmap(comparison)
CONDITIONS = st.recursive(
    COMPARISONS | st.sampled_from(["fields.x > 1", "fields.x > 1 && has(tags.y)", 'tags.z == "(a) && (b)"']),
    lambda inner: (
        st.builds(lambda one: {"not": one}, inner)
        | st.builds(
            lambda join, some: {join: some}, st.sampled_from(list(JOINS)), st.lists(inner, min_size=1, max_size=3)
        )
        | st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@given(CONDITIONS, st.sampled_from(["", "trigger."]))
def test_what_comes_back_makes_the_same_expression(condition: Any, root: str) -> None:
    expression = condition_of(condition, (), root)
    found = conditions_from(expression, root)
    assert condition_of(found, (), root) == expression
    assert isinstance(found, dict) or isinstance(condition, str)


@given(COMPARISONS)
def test_a_comparison_comes_back_whole(condition: dict[str, Any]) -> None:
    found = conditions_from(condition_of(condition, ()))
    assert {type(found.get(name)) for name in ("field", "operator")} == {str}
    assert found.get("value") == condition.get("value")


def test_a_form_is_shown_as_it_was_made() -> None:
    made = {"all": [{"field": "tags.severity", "operator": "in", "value": ["error"]},
                    {"any": [{"field": "fields.lat", "operator": "greater", "value": 48.5}, "fields.lon > 16"]},
                    {"field": "tags.user_id", "operator": "exists"},
                    {"not": {"field": "fields.text", "operator": "has_text", "value": ") && ("}}]}  # fmt: skip
    assert conditions_from(condition_of(made, ())) == made


@pytest.mark.parametrize(
    "expression",
    ["fields.x > 1", "", "(", "(a", "(a) && b", "(a) && (b) || (c)", "has(fields.x) && fields.y > 1", "!(a) && (b)",
     "has(fields.x) && fields.x > fields.y", "has(fields.x) && fields.x > 1.50", "((a) && (b))",
     f"{'(' * 4000}a{')' * 4000}"],
)  # fmt: skip
def test_what_no_form_makes_is_shown_as_it_is(expression: str) -> None:
    assert conditions_from(expression) in (expression, {"all": [{"all": ["a", "b"]}]})
    assert conditions_from(None) is None
