"""What a cell of a decision table holds for."""

from typing import Any

import pytest

from streams.core.expressions import ExpressionError, ExpressionSyntaxError
from streams.core.rules import parse_cell

SCOPE = {"t": 6, "m": "auto", "limit": 5, "list": [3, 9], "yes": True}


@pytest.mark.parametrize(
    ("text", "fitting", "others"),
    [
        ("-", [None, 5, "a", True, [1]], []),
        ("", [None, 5], []),
        ("  ", [None], []),
        ("5", [5, 5.0], [6, "5", True, None]),
        ("-5", [-5], [5]),
        ("2 * 2 + 1", [5], [4]),
        ('"error"', ["error"], ["Error", None, 1]),
        ("'a', \"b\"", ["a", "b"], ["c", "a, b"]),
        ("'a,b'", ["a,b"], ["a"]),
        ("true", [True], [False, 1, "true", None]),
        ("null", [None], [0, False, ""]),
        ("[1, 2]", [[1, 2], [1.0, 2]], [[1], [1, 3], 1]),
        ("{'a': 1}", [{"a": 1}], [{"a": 2}, {"b": 1}]),
        ("> 30", [31, 30.5], [30, 29, None]),
        (">= 30", [30], [29.9]),
        ("< 30", [29], [30]),
        ("<= 30", [30, -1], [31]),
        ("= 30", [30], [31, None]),
        ("== 30", [30], [31]),
        ("!= 30", [31, None, "a"], [30]),
        ('< "m"', ["a", "A"], ["m", "z"]),
        ("[20..30]", [20, 25, 30], [19.9, 30.1, None]),
        ("[20..30)", [20, 29.9], [30]),
        ("(20..30]", [20.1, 30], [20]),
        ("]20..30[", [21], [20, 30]),
        ("[20.5..30.5]", [20.5, 30.5], [20, 31]),
        ("[ -1 .. 1 ]", [0], [2]),
        ("[5..5]", [5], [6]),
        ('["a".."c"]', ["a", "b"], ["d"]),
        ("[1..2], [4..5]", [1, 5], [3]),
        ("]1..2[, 7", [1.5, 7], [1, 2]),
        ("(1..list[0]], 9", [2, 3, 9], [1, 4]),
        ("[list[0]..list[1]]", [3, 9], [2, 10]),
        ("not(5)", [4, None, "a"], [5]),
        ('not( "a" , "b" )', ["c"], ["a", "b"]),
        ("not([20..30), 40)", [19, 30, None], [20, 40]),
        ("not(> 5)", [5, None], [6]),
        ("limit", [5], [6]),
        ("> limit", [6], [5]),
        ("> ${limit} + 1", [7], [6]),
        ("yes", [True], [False, 5]),
        ("t > 5 && m == 'auto'", [0, None], []),
        ("t > 50", [], [0, 51]),
        ("(t > 5)", [0], []),
        ("(5)", [5], [6]),
        ("list.exists(x, x > 5), 1", [0], []),
        ("m.startsWith('b'), 1", [1], [0]),
    ],
)
def test_a_cell_holds_for(text: str, fitting: list[Any], others: list[Any]) -> None:
    cell = parse_cell(text)
    assert [value for value in fitting if not cell.holds(value, SCOPE)] == []
    assert [value for value in others if cell.holds(value, SCOPE)] == []


@pytest.mark.parametrize(
    ("text", "known", "compares", "constants", "reads"),
    [
        ("-", True, False, (), set()),
        ("> 30, 'a'", True, True, (30, "a"), set()),
        ("[20..limit)", False, True, (20,), {"limit"}),
        ("t > 5", False, False, (), {"t"}),
        ("not(m)", False, False, (), {"m"}),
    ],
)
def test_a_cell_tells_what_it_asks(
    text: str, known: bool, compares: bool, constants: tuple[Any, ...], reads: set[str]
) -> None:
    cell = parse_cell(text)
    assert (cell.known, cell.compares, cell.constants) == (known, compares, constants)
    assert {name for one in cell.expressions for name in one.names} == reads
    assert cell.text == text


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("> 30", "hot", "Expected a number to compare with '> 30', but got \"hot\""),
        ("> 30", True, "Expected a number to compare with '> 30', but got true"),
        ("[20..30]", "a", "Expected a number to compare with '>= 20', but got \"a\""),
        ('< "m"', 5, "Expected a text to compare with '< \"m\"', but got 5"),
        ("> yes", 5, "Expected a number or a text after '>', but got true"),
        ("> gone", 5, "Expected a variable 'gone'. There are: t, m, limit, list, yes"),
        ("t + 1 > m", 5, "Expected two numbers or two texts in 't + 1 > m', but t + 1 is 7, m is \"auto\""),
    ],
)
def test_what_cannot_be_compared_is_an_error(text: str, value: Any, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_cell(text).holds(value, SCOPE)
    assert str(caught.value) == says


CLOSE = "Close it: ${name}; or write '$${' for the characters '${'"
FIELD = "Write x['a name'] for a name with other characters"
QUOTES = 'Write a text in quotes: "error"; several values with commas: "a", "b"; a range: [20..30)'


@pytest.mark.parametrize(
    ("text", "says", "offset", "fix"),
    [
        ("[30..20]", "Expected the lower bound first, but nothing lies in '[30..20]'", 0, ""),
        ("[5..5)", "Expected the lower bound first, but nothing lies in '[5..5)'", 0, ""),
        ("1, [5..'a']", "Expected two bounds of one type, but got 5 and \"a\" in '[5..'a']'", 3, ""),
        ("[true..false]", "Expected two bounds of one type, but got true and false in '[true..false]'", 0, ""),
        ("error code", "Expected an operator or the end, but got 'code' in 'error code'", 6, QUOTES),
        (">", "Expected a value, but there is none", 1, QUOTES),
        ("> ${limit", "Expected '}' after '${' in '> ${limit'", 2, CLOSE),
        ("${limit} + ", "Expected a value at the end in 'limit +'", 10, QUOTES),
        ("not(1", "Expected ')' at the end", 5, 'Write not("a", "b")'),
        ("not(1) x", "Expected nothing behind not(…)", 6, "Put all tests into it"),
        ("not()", "Expected a value, but there is none", 4, QUOTES),
        ("1,,2", "Expected a value, but there is none", 2, QUOTES),
        ("1, ", "Expected a value, but there is none", 2, QUOTES),
        ("[1..2] 3", "Expected ',' or the end, but got '3'", 7, ""),
        ("(1", "Expected ')' at the end in '(1'", 2, QUOTES),
        ("1)", "Expected ',' or the end, but got ')'", 1, ""),
        ("[1..2", "Expected a field's name after '.' in '[1..2'", 3, FIELD),
        ("> 'a' + 1", "Expected two numbers, two texts or two lists in \"'a' + 1\"", 1, QUOTES),
        ("1" * 5000, "Expected a cell of at most 4096 characters, but got 5000", 0, ""),
    ],
)  # fmt: skip
def test_a_mistake_in_a_cell_is_told_with_its_place(text: str, says: str, offset: int, fix: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse_cell(text)
    assert (str(caught.value), caught.value.offset, caught.value.fix) == (says, offset, fix)
