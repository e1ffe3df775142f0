"""Expressions, templates and paths: what they yield."""

from typing import Any

import cel
import pytest

from streams.core.expressions import MISSING, compile_expression, compile_path, compile_template
from streams.core.expressions.functions import FUNCTIONS, LOOPS

VARIABLES: dict[str, Any] = {
    "temperature": 25,
    "threshold": 25.5,
    "count": 5,
    "zero": 0,
    "index": 1,
    "nothing": None,
    "name": "pump",
    "ready": True,
    "big": 2**60,
    "temps": [1, 2, 3],
    "device": {"id": "hp-1", "limits": {"low": 1}, "flow-temp": 3, "none": None},
    "items": [{"t": 1}, {"t": 5}, {}],
    "time": "2026-01-05T06:30:15Z",
}

VALUES: dict[str, Any] = {
    # one kind of number
    "temperature + 1": 26,
    "threshold + 1": 26.5,
    "temperature + threshold": 50.5,
    "5 / 2": 2.5,
    "count / 2 * 2 == count": True,
    "4 / 2": 2,
    "temperature > 24.9": True,
    "25 == 25.0": True,
    "count % 2": 1,
    "-7 % 3": -1,
    "7.0 % 4": 3,
    "1u + 0x10": 17,
    ".5 + 1e1": 10.5,
    "2 - -1": 3,
    "--count": 5,
    "- count": -5,
    "-0.0": 0,
    "1 / 3": 1 / 3,
    "0.1 + 0.2": 0.1 + 0.2,
    "9007199254740992 - 1": 9007199254740991,
    "big": 2**60,
    "big > 5": True,
    # where CEL wants an int
    "size(temps) + 1": 4,
    "temps.size() / 2": 1.5,
    "size(name) == 4": True,
    "size(device)": 4,
    "temps[0]": 1,
    "temps[index]": 2,
    "temps[index + 1] * 2": 6,
    "temps[4 / 2]": 3,
    "[1, 2, 3][index]": 2,
    "int('7') + 1": 8,
    "int(7.9)": 7,
    "double('2.5') * 2": 5,
    # text
    "name + '-1'": "pump-1",
    "string(count) + 'x'": "5x",
    "string(threshold)": "25.5",
    "name.contains('um')": True,
    "name.startsWith('p') && name.endsWith('p')": True,
    "name.matches('^p.m')": True,
    "matches(name + 'x', 'x$')": True,
    "'a' < 'b'": True,
    "'\\u00e9' == 'é'": True,
    "r'\\n' == '\\\\n'": True,
    '"""a"b"""': 'a"b',
    "'a // b'": "a // b",
    # logic
    "!ready": False,
    "!!ready": True,
    "ready && temperature < threshold": True,
    "temperature > 30 ? 'hot' : count > 3 ? 'warm' : 'cold'": "warm",
    "count in temps || 1 in temps": True,
    "'id' in device": True,
    "nothing == null": True,
    "nothing == 5": False,
    "true || missing": True,
    "missing && false": False,
    "device == {'id': 'hp-1', 'limits': {'low': 1}, 'flow-temp': 3, 'none': null}": True,
    # paths
    "device.limits.low": 1,
    "device['flow-temp'] * 2": 6,
    "device['limits'].low": 1,
    "items[1].t": 5,
    "items[index].t": 5,
    "device . limits\n . low": 1,
    "has(device.limits.low) && device.limits.low > 0": True,
    "has(device.other.low)": False,
    "has(device.none)": True,
    "has(items[index].t)": True,
    # loops
    "temps.exists(t, t > 2)": True,
    "temps.all(t, t > 1)": False,
    "temps.exists_one(t, t > 2)": True,
    "temps.map(t, t * index)": [1, 2, 3],
    "temps.map(t, t > 1, t * 2)": [4, 6],
    "items.filter(one, has(one.t) && one.t > 2)": [{"t": 5}],
    "temps.exists(t, temps.exists(u, t + u == 6))": True,
    "temps.map(t, t)[0] + temps.filter(t, t > 2)[0]": 4,
    "device.exists(key, key == 'id')": True,
    # functions
    "abs(-5)": 5,
    "min(count, 3)": 3,
    "max(count, threshold)": 25.5,
    "floor(2.5)": 2,
    "floor(-2.5)": -3,
    "ceil(2.5)": 3,
    "ceil(-2.5)": -2,
    "round(2.5)": 3,
    "round(-2.5)": -3,
    "round(2.4)": 2,
    "timestamp(time).getHours() + 0.5": 6.5,
    "timestamp(time).getMinutes()": 30,
    "timestamp(time).getSeconds()": 15,
    "timestamp(time).getMilliseconds()": 0,
    "timestamp(time).getFullYear()": 2026,
    "timestamp(time).getMonth()": 0,
    "timestamp(time).getDate()": 5,
    "timestamp(time).getDayOfMonth()": 4,
    "timestamp(time).getDayOfWeek()": 1,
    "timestamp(time).getDayOfYear()": 4,
    "timestamp(time) + duration('5m')": "2026-01-05T06:35:15Z",
    "timestamp(time) - timestamp('2026-01-05T06:30:00Z') > duration('10s')": True,
    "duration('1h30m')": "5400s",
    # values of other kinds
    "{'b': 1, 'a': [count]}": {"a": [5], "b": 1},
    "[1, 'x', null,]": [1, "x", None],
    # the mark of a variable
    "${temperature} > ${threshold}": False,
    "${temperature > 5}": True,
    "${count} * ${count + 1}": 30,
    "'${count}' + name": "${count}pump",
    "count // not ${read}\n + 1": 6,
}


@pytest.mark.parametrize("text", VALUES)
def test_an_expression_has_this_value(text: str) -> None:
    value = compile_expression(text).evaluate(VARIABLES)
    assert value == VALUES[text]
    assert type(value) is type(VALUES[text])


def test_every_function_is_tried_above() -> None:
    tried = " ".join(VALUES)
    assert [name for name in [*FUNCTIONS, *LOOPS] if f"{name}(" not in tried] == []


def test_whole_numbers_of_the_context_and_their_double_spelling_are_the_same() -> None:
    as_doubles = {**VARIABLES, "count": 5.0, "index": 1.0, "temps": [1.0, 2.0, 3.0], "temperature": 25.0}
    for text in VALUES:
        expression = compile_expression(text)
        assert expression.evaluate(as_doubles) == expression.evaluate(VARIABLES), text


def test_the_order_of_an_object_is_the_same_every_time() -> None:
    device = dict.fromkeys("zyxwvutsrqponm", 1)
    expression = compile_expression("[device][0]")
    assert {tuple(expression.evaluate({"device": device})) for _ in range(20)} == {tuple(sorted(device))}


def test_a_path_alone_yields_the_value_untouched() -> None:
    for value in (25.0, 2**70, None, [1], {"b": 1, "a": 2}):
        assert compile_expression("x").evaluate({"x": value}) is value


def test_names_are_the_variables_that_it_reads() -> None:
    expression = compile_expression("items.exists(one, one.t > limit) && has(device.id) && size(name) > 1")
    assert expression.names == {"items", "limit", "device", "name"}
    assert ("device", "id") in expression.paths


def test_a_variable_may_have_the_name_of_a_word_of_cel() -> None:
    names = ["size", "map", "int", "double", "h", "v0", "list", "type", "var", "for", "x"]
    values = {name: index for index, name in enumerate(names)}
    text = " + ".join(names)
    assert compile_expression(text).evaluate(values) == sum(values.values())
    assert compile_expression("x / h + [1].map(h, h + v0)[0]").evaluate(values) == 10 / 4 + 1 + 5


def test_the_library_refuses_nothing_that_is_accepted_here() -> None:
    for text in VALUES:
        if "${" not in text.replace("'${count}'", ""):
            cel.compile(text)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Temperature ${temperature} °C", "Temperature 25 °C"),
        ("${threshold}", 25.5),
        ("${temps}", [1, 2, 3]),
        ("${temps} and ${device.limits}", '[1,2,3] and {"low":1}'),
        ("${ready} ${name}", "true pump"),
        (
            "${1 / 3}, ${0.1 + 0.2}, ${25.50}, ${1e20}, ${big}",
            "0.333333333333333, 0.3, 25.5, 1e+20, 1152921504606846976",
        ),
        ("$${count} is ${count}", "${count} is 5"),
        ("${{'a': '}'}['a']}", "}"),
        ("${nothing}", None),
        ("no mark", "no mark"),
        ("", ""),
        ("$ { } $x", "$ { } $x"),
        ({"a": ["${count}", 1, {"b": "x${count}"}], "c": None}, {"a": [5, 1, {"b": "x5"}], "c": None}),
        (5, 5),
    ],
)
def test_a_template_renders(source: Any, expected: Any) -> None:
    rendered = compile_template(source).render(VARIABLES)
    assert rendered == expected
    assert type(rendered) is type(expected)


def test_a_text_field_renders_to_text() -> None:
    template = compile_template({"message": "${count}", "payload": "${count}"}, texts={"message"})
    assert template.render(VARIABLES) == {"message": "5", "payload": 5}


def test_a_template_knows_its_names_and_where_they_stand() -> None:
    template = compile_template({"a": ["x", "${count} ${name}"], "b": "${size(temps)}"})
    assert template.names == {"count", "name", "temps"}
    assert [(place, expression.text) for place, expression in template.places] == [
        (("a", 1), "count"),
        (("a", 1), "name"),
        (("b",), "size(temps)"),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name", "pump"),
        ("device.limits.low", 1),
        ("device.flow-temp", 3),
        ("device.none", None),
        ("device.other", MISSING),
        ("name.other", MISSING),
        ("temps.0", MISSING),
        ("$", VARIABLES),
        ("$.device.limits.low", 1),
        ("$['device']['flow-temp']", 3),
        ('$["device"].id', "hp-1"),
        ("$.temps[0]", 1),
        ("$.temps[-1]", 3),
        ("$.temps[3]", MISSING),
        ("$.items[ 1 ].t", 5),
        ("$.name[0]", MISSING),
    ],
)
def test_a_path_leads_to_this_value(path: str, expected: Any) -> None:
    assert compile_path(path).get(VARIABLES) == expected
