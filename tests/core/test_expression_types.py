"""Types of expressions, known before anything is evaluated."""

import pytest

from streams.core.expressions import compile_expression
from streams.core.expressions.functions import FUNCTIONS, LOOPS
from streams.core.expressions.signatures import FUNCTION_TYPES, LOOP_TYPES, Type
from streams.core.expressions.types import is_truth, type_of_value, typed

KNOWN: dict[tuple[str | int, ...], Type] = {
    ("n",): "number",
    ("s",): "string",
    ("b",): "boolean",
    ("o",): "object",
    ("a",): "array",
}


def test_every_function_and_loop_has_types() -> None:
    assert set(FUNCTION_TYPES) == set(FUNCTIONS)
    assert {name: len(takes) for name, (takes, _) in FUNCTION_TYPES.items()} == {
        name: function.arguments for name, function in FUNCTIONS.items()
    }
    assert {name: kind == "array" for name, kind in LOOP_TYPES.items()} == LOOPS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "number"), ("-5", "number"), ("'x'", "string"), ("true", "boolean"), ("null", "null"), ("[1]", "array"),
        ("{'a': 1}", "object"), ("n", "number"), ("x", None), ("n.field", None), ("a[0]", None), ("x.y[n]", None),
        ("{'a': 1}.a", None), ("(n)", "number"), ("n + 1", "number"), ("x + 1", "number"), ("x + y", None),
        ("x + s", "string"), ("[1] + a", "array"), ("n * x", "number"), ("x % 2", "number"), ("x - y", None),
        ("timestamp(s) - timestamp(s)", "duration"), ("timestamp(s) - duration('1h')", "time"),
        ("timestamp(s) + duration('1h')", "time"), ("duration('1h') + duration('1h')", "duration"),
        ("-duration('1h')", "duration"), ("-x", None), ("!x", "boolean"), ("x && y", "boolean"), ("x == y", "boolean"),
        ("x < y", "boolean"), ("n in a", "boolean"), ("has(o.x)", "boolean"), ("b ? 1 : 2", "number"),
        ("b ? 1 : 'x'", None), ("x ? s : 'x'", "string"), ("a.exists(i, i)", "boolean"), ("a.map(i, i * 2)", "array"),
        ("a.all(i, i)", "boolean"), ("size(a)", "number"), ("s.contains('x')", "boolean"), ("string(n)", "string"),
        ("timestamp(s).getHours()", "number"), ("s == null", "boolean"), ("a.filter(i, i.x)[0]", None),
    ],
)  # fmt: skip
def test_a_type_is_inferred(text: str, expected: Type | None) -> None:
    found = typed(compile_expression(text), KNOWN.get)
    assert (found.type, found.mismatches) == (expected, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s > 5", ["Expected two numbers or two texts in 's > 5', but s is a text and 5 a number"]),
        ("x > 1 && s >= n", ["Expected two numbers or two texts in 's >= n', but s is a text and n a number"]),
        ("x < null", ["Expected two numbers or two texts in 'x < null', but null is null"]),
        ("o < x", ["Expected two numbers or two texts in 'o < x', but o is an object"]),
        ("s == 5", ["Expected two values of one type in 's == 5', but s is a text and 5 a number"]),
        ("b != 'yes'", ["Expected two values of one type in \"b != 'yes'\", but b is true or false and 'yes' a text"]),
        ("b + 1", ["Expected two numbers, two texts or two lists in 'b + 1', but b is true or false and 1 a number"]),
        ("x * b", ["Expected two numbers in 'x * b', but b is true or false"]),
        ("s - 1", ["Expected two numbers or two times in 's - 1', but s is a text and 1 a number"]),
        ("n && b", ["Expected true or false on both sides of '&&' in 'n && b', but n is a number and b true or false"]),
        ("!n", ["Expected true or false in '!n', but n is a number"]),
        ("-s", ["Expected a number in '-s', but s is a text"]),
        ("n ? 1 : 2", ["Expected true or false before '?' in 'n ? 1 : 2', but n is a number"]),
        ("n in s", ["Expected a list, or a text and an object in 'n in s', but n is a number and s a text"]),
        ("size(n)", ["Expected a text, a list or an object, for size(), in 'size(n)', but n is a number"]),
        ("s.map(i, i > s + 1)", [
            "Expected two numbers, two texts or two lists in 's + 1', but s is a text and 1 a number",
            "Expected a list, for map(), in 's.map(i, i > s + 1)', but s is a text",
        ]),
        ("(s + 1) > (n)", ["Expected two numbers, two texts or two lists in 's + 1', but s is a text and 1 a number"]),
        ("o.contains(s)", ["Expected two texts, for contains(), in 'o.contains(s)', but o is an object and s a text"]),
    ],
)  # fmt: skip
def test_what_cannot_go_together_is_told(text: str, told: list[str]) -> None:
    found = typed(compile_expression(text), KNOWN.get)
    assert [one.message for one in found.mismatches] == told


def test_a_mismatch_has_its_place_and_what_it_reads() -> None:
    [found] = typed(compile_expression("x > 1 && s + o.y > n"), {("s",): "string", ("n",): "number"}.get).mismatches
    assert (found.start, found.text, found.paths) == (9, "s + o.y > n", (("s",), ("o", "y"), ("n",)))


def test_a_chain_of_hundreds_needs_no_recursion() -> None:
    assert typed(compile_expression(" + ".join(["n"] * 900)), KNOWN.get).type == "number"


@pytest.mark.parametrize(
    ("text", "truth"), [("a > b", True), ("!a", True), ("a", False), ("true", True), ("a ? b > 1 : c > 1", True)]
)
def test_what_yields_true_or_false_whatever_its_variables_are(text: str, truth: bool) -> None:
    assert is_truth(compile_expression(text)) is truth


def test_values_have_types() -> None:
    values = [None, True, 1, 1.5, "x", [1], {"a": 1}]
    assert [type_of_value(one) for one in values] == [
        "null",
        "boolean",
        "number",
        "number",
        "string",
        "array",
        "object",
    ]
