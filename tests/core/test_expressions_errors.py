"""What expressions, templates and paths refuse, in which words."""

from typing import Any

import pytest

from streams.core.expressions import (
    ExpressionError,
    ExpressionSyntaxError,
    MissingError,
    compile_expression,
    compile_path,
    compile_template,
)
from streams.core.expressions.functions import FUNCTIONS

VARIABLES: dict[str, Any] = {
    "temperature": 25,
    "zero": 0,
    "nothing": None,
    "name": "pump",
    "ready": True,
    "temps": [1, 2, 3],
    "device": {"id": "hp-1", "limits": {"low": 1}, "empty": {}},
    "items": [{"t": 1}, {}],
    "huge": 10**400,
}

FAILURES = {
    "temprature > 5": "Expected a variable 'temprature' in 'temprature > 5'. Did you mean 'temperature'?",
    "device.flow": "Expected 'device.flow', but 'device' has 'id', 'limits', 'empty'",
    "device.limits.high > 1": (
        "Expected 'device.limits.high' in 'device.limits.high > 1', but 'device.limits' has 'low'"
    ),
    "device.empty.x": "Expected 'device.empty.x', but 'device.empty' is {}",
    "device['a b'].c": "Expected \"device['a b']\", but 'device' has 'id', 'limits', 'empty'",
    "name.size": "Expected 'name.size', but 'name' is \"pump\"",
    "nothing.x": "Expected 'nothing.x', but 'nothing' is null",
    "temps[3]": "Expected 'temps[3]', but 'temps' is [1, 2, 3]",
    "nothing > 5": "Expected two numbers or two texts in 'nothing > 5', but nothing is null",
    "temperature > 1 && nothing + 1 > 3": (
        "Expected two numbers, two texts or two lists in 'nothing + 1', in 'temperature > 1 && nothing + 1 > 3', "
        "but nothing is null"
    ),
    "name + temperature": (
        "Expected two numbers, two texts or two lists in 'name + temperature', but name is \"pump\", temperature is 25"
    ),
    "name > 5": "Expected two numbers or two texts in 'name > 5', but name is \"pump\"",
    "ready && name": (
        "Expected true or false on both sides of '&&' in 'ready && name', but ready is true, name is \"pump\""
    ),
    "!name": "Expected true or false in '!name', but name is \"pump\"",
    "-name": "Expected a number in '-name', but name is \"pump\"",
    "name ? 1 : 2": "Expected true or false before '?' in 'name ? 1 : 2', but name is \"pump\"",
    "1 / zero": "Expected two numbers, the second other than 0 in '1 / zero', but zero is 0",
    "temperature / (zero * 2) > 1": (
        "Expected two numbers, the second other than 0 in 'temperature / (zero * 2)', in "
        "'temperature / (zero * 2) > 1', but temperature is 25, (zero * 2) is 0"
    ),
    "temperature % zero": (
        "Expected two whole numbers, the second other than 0 in 'temperature % zero', but temperature is 25, zero is 0"
    ),
    "5.5 % 2": "Expected two whole numbers, the second other than 0 in '5.5 % 2'",
    "temps[temperature]": (
        "Expected a list with that element or an object with that key in 'temps[temperature]', "
        "but temps is [1, 2, 3], temperature is 25"
    ),
    "temps[zero + 0.5]": (
        "Expected a list with that element or an object with that key in 'temps[zero + 0.5]', "
        "but temps is [1, 2, 3], zero + 0.5 is 0.5"
    ),
    "device[name]": (
        "Expected a list with that element or an object with that key in 'device[name]', "
        'but device is {"empty": {}, "id": "hp-1", "limits": {"low": 1}}, name is "pump"'
    ),
    "items.all(one, one.t > 0)": (
        "Expected an object with a field 't' in 'one.t', in 'items.all(one, one.t > 0)', but one is {}"
    ),
    "device.map(key, key)": (
        "Expected a list, for map(), in 'device.map(key, key)', "
        'but device is {"empty": {}, "id": "hp-1", "limits": {"low": 1}}'
    ),
    "temperature.exists(x, x > 1)": (
        "Expected a list, for exists(), in 'temperature.exists(x, x > 1)', but temperature is 25"
    ),
    "size(temperature)": (
        "Expected a text, a list or an object, for size(), in 'size(temperature)', but temperature is 25"
    ),
    "int(name)": "Expected a number, or a text with a whole one, for int(), in 'int(name)', but name is \"pump\"",
    "floor(name)": "Expected a number, for floor(), in 'floor(name)', but name is \"pump\"",
    "timestamp(name).getHours()": (
        "Expected a text with an RFC 3339 time, for timestamp(), in 'timestamp(name)', in "
        "'timestamp(name).getHours()', but name is \"pump\""
    ),
    "name.matches('[')": (
        'Expected a text and a regular expression (RE2), for matches(), in "name.matches(\'[\')", but name is "pump"'
    ),
    "huge + 1": "Expected a number below 1.8e308 in 'huge + 1', but got 1" + "0" * 59 + "…",
    "1e300 * 1e300": "Expected a finite number from '1e300 * 1e300', but got inf",
    "int(1e300)": "Expected a smaller number in 'int(1e300)'",
}

# text → (offset, message, fix)
MISTAKES = {
    "": (0, "Expected a value at the end in ''", ""),
    "a >": (3, "Expected a value at the end in 'a >'", ""),
    "(a": (2, "Expected ')' at the end in '(a'", ""),
    "a b": (2, "Expected an operator or the end, but got 'b' in 'a b'", ""),
    "a = 5": (2, "Expected an expression, but got '=' in 'a = 5'", "Write '==' to compare"),
    "a & b": (2, "Expected an expression, but got '&' in 'a & b'", "Write '&&' for 'and'"),
    "a | b": (2, "Expected an expression, but got '|' in 'a | b'", "Write '||' for 'or'"),
    "a and b": (2, "Expected an operator or the end, but got 'and' in 'a and b'", "Write '&&'"),
    "a or b": (2, "Expected an operator or the end, but got 'or' in 'a or b'", "Write '||'"),
    "not a": (0, "Expected a value, but got 'not' in 'not a'", "Write '!'"),
    "a is null": (2, "Expected an operator or the end, but got 'is' in 'a is null'", "Write '=='"),
    "a == 'x": (
        5,
        'Expected an expression, but got "\'" in "a == \'x"',
        "Close the text with the same quote that opens it",
    ),
    "a # b": (2, "Expected an expression, but got '#' in 'a # b'", ""),
    "${a": (0, "Expected '}' after '${' in '${a'", "Close it: ${name}; or write '$${' for the characters '${'"),
    "1 < a < 3": (6, "Expected one comparison at a time in '1 < a < 3'", "Write 'a < b && b < c'"),
    "a / 0": (4, "Expected a divisor other than 0 in 'a / 0'", ""),
    "a[1.5]": (2, "Expected a whole number from 0 as index in 'a[1.5]'", ""),
    "a[-1]": (2, "Expected a whole number from 0 as index in 'a[-1]'", ""),
    "a.1": (1, "Expected an operator or the end, but got '.1' in 'a.1'", ""),
    "a.'b'": (
        2,
        "Expected a field's name after '.' in \"a.'b'\"",
        "Write x['a name'] for a name with other characters",
    ),
    "sum(a)": (
        0,
        "Unknown function 'sum' in 'sum(a)'",
        f"There are: {', '.join(list(FUNCTIONS)[:12])}, …",
    ),
    "floot(a)": (0, "Unknown function 'floot' in 'floot(a)'", "Did you mean 'floor'?"),
    "a.startswith('x')": (2, "Unknown method 'startswith' in \"a.startswith('x')\"", "Did you mean 'startsWith'?"),
    "contains(a, 'x')": (0, "Unknown function 'contains' in \"contains(a, 'x')\"", "Write x.contains(…)"),
    "a.floor()": (2, "Unknown method 'floor' in 'a.floor()'", "Write floor(x)"),
    "exists(a, b)": (0, "Unknown function 'exists' in 'exists(a, b)'", "Write x.exists(…)"),
    "max(a)": (0, "Expected 2 argument(s) of max(), but got 1 in 'max(a)'", ""),
    "has(a)": (0, "Expected a field in has() in 'has(a)'", "Write has(fields.name)"),
    "a.map(1, 2)": (6, "Expected a name for the element in map() in 'a.map(1, 2)'", "Write list.map(x, …)"),
    "{1: 2}": (1, "Expected a text as key in '{1: 2}'", "Write {'name': value}"),
    "9007199254740993": (0, "Expected a number up to 9007199254740992 in '9007199254740993'", ""),
    "1e400": (0, "Expected a number up to 1.7e+308 in '1e400'", ""),
    "'\\u0000'": (0, "Expected a text without the character U+0000 in \"'\\\\u0000'\"", ""),
    "a.matches('\\d')": (
        10,
        "Expected an escape that CEL knows in \"a.matches('\\\\d')\"",
        "Write '\\\\' for a backslash, or r'…' for a text without escapes",
    ),
    "a.all(x, x.all(y, y.all(z, z)))": (
        20,
        "Expected at most 2 loops within each other and 10 in all in 'a.all(x, x.all(y, y.all(z, z)))'",
        "",
    ),
    # within a marked-up text the offset is that of the text as written
    "${a} and ${b}": (5, "Expected an operator or the end, but got 'and' in 'a and b'", "Write '&&'"),
    "  ${ a = b }": (7, "Expected an expression, but got '=' in 'a = b'", "Write '==' to compare"),
    "${a + 1} = 5": (9, "Expected an expression, but got '=' in '(a + 1) = 5'", "Write '==' to compare"),
}


@pytest.mark.parametrize("text", FAILURES)
def test_a_failure_names_the_part_and_its_operands(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text).evaluate(VARIABLES)
    assert str(caught.value) == FAILURES[text]


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_found_before_anything_runs(text: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(text)
    assert (caught.value.offset, str(caught.value), caught.value.fix) == MISTAKES[text]


def test_what_is_missing_is_a_kind_of_its_own() -> None:
    for text, path in {"other > 1": "other", "device.flow.x > 1": "device.flow", "temps[7] > 1": "temps[7]"}.items():
        with pytest.raises(MissingError) as caught:
            compile_expression(text).evaluate(VARIABLES)
        assert caught.value.path == path


def test_a_condition_must_be_true_or_false() -> None:
    with pytest.raises(ExpressionError, match=r"^Expected true or false from 'temperature', but got 25$"):
        compile_expression("temperature").test(VARIABLES)


def test_long_and_deep_expressions_are_refused_in_words() -> None:
    for text in ("1" + " + 1" * 2000, "(" * 30 + "1" + ")" * 30, "a" + "[0" * 40, "a" + ".b" * 3000):
        with pytest.raises(ExpressionSyntaxError):
            compile_expression(text)
    deep = "(" * 20 + "a / b % c" + ")" * 20
    assert compile_expression(deep).evaluate({"a": 8, "b": 2, "c": 3}) == 1


def test_a_chain_as_long_as_the_limit_allows_works() -> None:
    assert compile_expression("1" + " + 1" * 1000).evaluate({}) == 1001
    assert compile_expression("1" + "/a" * 100).evaluate({"a": 1}) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("at ${nothing} °C", "Expected a value for '${nothing}' in 'at ${nothing} °C', but it is null"),
        ("${other}", f"Expected a variable 'other'. There are: {', '.join(VARIABLES)}"),
        ({"a": ["x ${1 / zero}"]}, "Expected two numbers, the second other than 0 in '1 / zero', but zero is 0"),
    ],
)
def test_a_template_fails_in_words(source: Any, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_template(source).render(VARIABLES)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("source", "offset", "place"),
    [("at ${a +} °C", 8, ()), ({"a": ["x", "${b ="]}, 0, ("a", 1)), ("${a} ${b c}", 9, ()), ("${}", 2, ())],
)
def test_a_mistake_in_a_template_has_its_place(source: Any, offset: int, place: tuple[str | int, ...]) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_template(source)
    assert (caught.value.offset, caught.value.place) == (offset, place)


@pytest.mark.parametrize(
    ("path", "offset", "message"),
    [
        ("", 0, "Expected a path such as 'tags.device_id', but got ''"),
        ("a..b", 2, "Expected a path such as 'tags.device_id', but got 'a..b'"),
        ("a.b[0]", 2, "Expected a path such as 'tags.device_id', but got 'a.b[0]'"),
        ("a b", 0, "Expected a path such as 'tags.device_id', but got 'a b'"),
        ("$..a", 1, "Expected a JSONPath to one value, but got '$..a', unclear from '..a' on"),
        ("$.a[*]", 3, "Expected a JSONPath to one value, but got '$.a[*]', unclear from '[*]' on"),
        ("$.a[?(@.b)]", 3, "Expected a JSONPath to one value, but got '$.a[?(@.b)]', unclear from '[?(@.b)]' on"),
        ("$a", 1, "Expected a JSONPath to one value, but got '$a', unclear from 'a' on"),
    ],
)
def test_a_path_that_is_none_is_refused(path: str, offset: int, message: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_path(path)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" + "1, " * 205 + "1 / x]", "Expected a value in '[1, 1,"),
        ("xs.all(x, 10 / x > 0)", "Expected a value in 'xs.all(x, 10 / x > 0)', but one of its many parts has none"),
    ],
)
def test_where_too_many_parts_could_have_failed_none_is_blamed(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text).evaluate({"x": 0, "xs": [1] * 300 + [0]})
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith(", but one of its many parts has none")


def test_what_the_library_cannot_read_is_refused_in_words() -> None:
    with pytest.raises(ExpressionSyntaxError, match=r"^Expected a simpler expression than") as caught:
        compile_expression(" % ".join(["a"] * 100))
    assert caught.value.fix == "Split it"


def test_compiled_forms_show_what_they_were_made_from() -> None:
    made = (compile_expression("${a} > 1"), compile_path("$.a[0]"), compile_template({"a": "${b}"}))
    assert list(map(repr, made)) == ["Expression('a > 1')", "Path('$.a[0]')", "Template({'a': '${b}'})"]
