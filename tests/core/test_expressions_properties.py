"""Numbers behave as a plant engineer expects, and nothing but an ``ExpressionError`` ever comes out."""

import math
from collections.abc import Callable
from typing import Any

import cel
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.core.expressions import (
    Expression,
    ExpressionError,
    ExpressionSyntaxError,
    bare,
    compile_expression,
    compile_template,
)
from streams.core.expressions.plain import plain

whole = st.integers(-(10**6), 10**6)
real = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-6)
number = whole | real
OPERATORS = ["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="]
PYTHON = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def spelled(value: float) -> str:
    """A number as somebody writes it into an expression."""
    return repr(value) if value >= 0 else f"({value!r})"


@given(st.sampled_from(OPERATORS), number, number)
def test_whole_numbers_and_fractions_mix(operator: str, a: float, b: float) -> None:
    assume(not (operator == "/" and b == 0))
    expected = PYTHON[operator](float(a), float(b))
    expression = compile_expression(f"a {operator} b")
    assert expression.evaluate({"a": a, "b": b}) == expected
    assert compile_expression(f"{spelled(a)} {operator} {spelled(b)}").evaluate({}) == expected


@given(whole, whole.filter(bool))
def test_a_remainder_has_the_sign_of_the_dividend(a: int, b: int) -> None:
    for x, y in ((a, b), (float(a), b), (a, float(b))):
        assert compile_expression("x % y").evaluate({"x": x, "y": y}) == math.fmod(a, b)


@given(number)
def test_dividing_by_zero_is_an_error_and_never_infinity(a: float) -> None:
    for text in ("a / z", "a / (z * 2)", "a / z > 5", "[a].map(x, x / z)", "a % z"):
        for zero in (0, 0.0, -0.0):
            try:
                value = compile_expression(text).evaluate({"a": a, "z": zero})
            except ExpressionError:
                continue
            raise AssertionError((text, value))


@given(st.lists(number, min_size=1, max_size=8), st.data())
def test_an_index_may_be_computed(items: list[float], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    for value in (index, float(index)):
        assert compile_expression("items[i * 2 - i]").evaluate({"items": items, "i": value}) == items[index]
    assert compile_expression("items[size(items) - 1]").evaluate({"items": items}) == items[-1]


@given(number)
def test_rounding(x: float) -> None:
    values = {"x": x}
    assert compile_expression("floor(x)").evaluate(values) == math.floor(x)
    assert compile_expression("ceil(x)").evaluate(values) == math.ceil(x)
    assert compile_expression("abs(x)").evaluate(values) == abs(x)
    assert abs(compile_expression("round(x)").evaluate(values) - x) <= 0.5


@given(st.recursive(number | st.text(max_size=5) | st.booleans() | st.none(), lambda x: st.lists(x, max_size=3)))
def test_json_comes_through_unchanged(value: Any) -> None:
    assert compile_expression("x").evaluate({"x": value}) == value
    assert compile_expression("[x][0]").evaluate({"x": value}) == value
    assert compile_template({"a": ["${x}"]}).render({"x": value}) == {"a": [value]}


LEAVES = ["a", "b", "nothing", "name", "items", "device", "ready", "zero", "missing", "device.x.y", "device.q", "x",
          "items[0]", "device['k']", "1", "0", "2.5", "1e300", "'x'", "'1h'", "true", "null", "[]", "{}"]  # fmt: skip
VARIABLES: dict[str, Any] = {
    "a": 1, "b": 2.5, "nothing": None, "name": "abc", "items": [1, 2, 3], "device": {"k": 1, "x": {"y": 2}},
    "ready": True, "zero": 0,
}  # fmt: skip
SHAPES = [
    *(f"{{0}} {operator} {{1}}" for operator in [*OPERATORS, "%", "&&", "||", "in"]),
    "({0})", "!({0})", "-({0})", "({0}) ? ({1}) : ({0})", "size({0})", "int({0})", "double({0})", "string({0})",
    "floor({0})", "round({0})", "max({0}, {1})", "timestamp({0})", "duration({0})", "({0}).map(x, {1})",
    "({0}).filter(x, {1})", "({0}).exists(x, {1})", "({0}).all(x, {1})", "({0})[{1}]", "[{0}, {1}]",
    "has(({0}).k)", "({0}).k", "({0}).contains({1})", "({0}).getHours()", "matches({0}, {1})",
]  # fmt: skip


def shaped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda shape, a, b: shape.replace("{0}", a).replace("{1}", b), st.sampled_from(SHAPES), inner, inner
    )


expressions = st.recursive(st.sampled_from(LEAVES), shaped, max_leaves=6)


def outcome(call: Callable[[], Any]) -> Any:
    """What ``call`` returns, or the error that it raises; any other exception is a bug."""
    try:
        return call()
    except ExpressionError as error:
        return error


@given(expressions)
def test_any_expression_yields_a_value_or_an_error_in_words(text: str) -> None:
    expression = outcome(lambda: compile_expression(text))
    if isinstance(expression, ExpressionSyntaxError):
        assert 0 <= expression.offset <= len(text)
        return
    cel.compile(text)  # what is accepted here is CEL
    value = outcome(lambda: expression.evaluate(VARIABLES))
    assert str(value).startswith("Expected ") or not isinstance(value, ExpressionError)
    assert not isinstance(value, float) or math.isfinite(value)
    assert str(outcome(lambda: expression.evaluate(VARIABLES))) == str(value)


@given(st.text("ab1.5 '\"\\+-*/%()[]{}<>=!&|?:,$x\n", max_size=20))
def test_any_text_is_an_expression_or_a_mistake_with_its_place(text: str) -> None:
    expression = outcome(lambda: compile_expression(text))
    if isinstance(expression, ExpressionSyntaxError):
        assert 0 <= expression.offset <= len(text)
    else:
        cel.compile(bare(text)[0])


@given(
    st.sampled_from(["a + b", "b * b - a", "a < b || b == a", "name + name", "ready ? b : a", "[a, b].map(x, x * b)"])
)
def test_the_library_is_the_judge_where_all_numbers_are_doubles(text: str) -> None:
    doubles = {**VARIABLES, "a": 1.25}
    assert compile_expression(text).evaluate(doubles) == cel.evaluate(text, doubles)


comparable = st.sampled_from(["a", "b", "c", "device.k", "missing", "1", "-2.5", "1e300", "'x'", "true", "null"])
comparisons = st.builds("{0} {1} {2}".format, comparable, st.sampled_from(OPERATORS[4:]), comparable)
conditions = st.recursive(
    comparisons, lambda one: st.builds("({0}) {1} ({2})".format, one, st.sampled_from(["&&", "||"]), one)
)
values = (
    number
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", None, True, [1]])
)


@given(conditions, values, values, values)
def test_what_is_compared_without_the_library_is_what_it_says(text: str, a: Any, b: Any, c: Any) -> None:
    variables = {"a": a, "b": b, "c": c, "device": {"k": c}}
    expression, by_library = compile_expression(text), Expression(text)
    by_library._plain = None
    assert str(outcome(lambda: expression.evaluate(variables))) == str(outcome(lambda: by_library.evaluate(variables)))


def test_numbers_and_texts_need_no_library() -> None:
    condition = plain(Expression("(a > 1 && b == 'x') || device.k <= -2.5").root)
    assert condition is not None
    assert condition({"a": 2, "b": "x", "device": {"k": 0}}) is True
    assert condition({"a": 2, "b": "x", "device": {}}) is None
    assert condition({"a": True, "b": "x", "device": {"k": 0}}) is None
    assert plain(Expression("a + 1 > 2").root) is None
    assert plain(Expression("ready && a > 2").root) is None
