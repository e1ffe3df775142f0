"""No expression holds a processor for long, whatever it is and whatever it is given."""

import time
from typing import Any

import pytest

from streams.core.expressions import CostError, ExpressionError, ExpressionSyntaxError, MissingError, compile_expression

NUMBERS = [1] * 10_000
LARGE = "a" * 250_000
FIELDS = {str(number): number for number in range(50_000)}

TOO_MUCH: dict[str, dict[str, Any]] = {
    "l.exists(x, x < 0)": {"l": NUMBERS},
    f"l.exists(x, {'+'.join(['x'] * 900)} < 0)": {"l": NUMBERS},
    "l.exists(x, l.exists(y, x + y < 0))": {"l": NUMBERS[:500]},
    f"l.exists(x, l.exists(y, {'+'.join(['x*y'] * 500)} < 0))": {"l": NUMBERS[:500]},
    "l.all(x, x.all(y, y > 0))": {"l": [NUMBERS[:100]] * 100},
    "l.map(x, l)": {"l": NUMBERS[:200]},
    "l.map(x, s)": {"l": NUMBERS[:200], "s": LARGE},
    "l.map(x, l.map(y, x + y))": {"l": NUMBERS[:100]},
    "l.filter(x, true).map(y, s + y)": {"l": ["b"] * 200, "s": LARGE},
    "(l + l + l + l).exists(x, x < 0)": {"l": NUMBERS[:400]},
    "l.exists(x, s.contains(u))": {"l": NUMBERS[:500], "s": LARGE, "u": "a" * 10_000 + "b"},
    "l.exists(x, s == u)": {"l": NUMBERS[:500], "s": LARGE, "u": LARGE + "b"},
    "l.exists(x, s.matches('(a*)*b'))": {"l": NUMBERS[:500], "s": LARGE},
    "l.exists(x, s.matches('[a-z]{30}b'))": {"l": NUMBERS[:500], "s": "a"},
    "a == b": {"a": list(range(50_000)), "b": list(range(50_000))},
    "a in l": {"a": 1, "l": [[NUMBERS]] * 5},
    f"{'+'.join(['s'] * 1000)} == 'x'": {"s": LARGE},
    f"{'+'.join(['s'] * 1000)} != 'x'": {"s": "short"},
    "size(o) > 3": {"o": FIELDS},
    "'x' in o": {"o": FIELDS},
    "o.exists(k, o[k] < 0)": {"o": {key: FIELDS[key] for key in list(FIELDS)[:200]}},
}


@pytest.mark.parametrize("text", TOO_MUCH, ids=lambda text: text[:40])
def test_what_would_take_long_is_refused_at_once(text: str) -> None:
    expression = compile_expression(text)
    took = []
    for _ in range(3):
        began = time.process_time()
        with pytest.raises(CostError, match=r"^Expected less to do in .*, but .* (is|of) ") as refused:
            expression.evaluate(TOO_MUCH[text])
        took.append(time.process_time() - began)
    assert min(took) < 0.5, "a hundred times the promise: a busy machine, not a slow refusal"
    assert len(str(refused.value)) < 1000


ENOUGH: dict[str, tuple[dict[str, Any], Any]] = {
    "l.exists(x, x < 0)": ({"l": NUMBERS[:500]}, False),
    "l.exists(x, l.exists(y, x + y < 0))": ({"l": NUMBERS[:30]}, False),
    "l.map(x, x + 1)[0]": ({"l": NUMBERS[:150]}, 2),
    "l.filter(x, x.t > 5).size()": ({"l": [{"t": 7}] * 50}, 50),
    "s.contains('b')": ({"s": LARGE}, False),
    "s.matches('^[a-z]+$')": ({"s": "a" * 5_000}, True),
    r"s.matches('^\\w+-\\d{2}$')": ({"s": "pump-12"}, True),
    "a in l": ({"a": 7, "l": NUMBERS[:1_000]}, False),
    "size(o)": ({"o": {str(number): number for number in range(100)}}, 100),
    f"{'+'.join(['s'] * 30)} == 'x'": ({"s": "x" * 200}, False),
    "1" + " + 1" * 1000: ({}, 1001),
}


@pytest.mark.parametrize("text", ENOUGH, ids=lambda text: text[:40])
def test_what_a_plant_has_is_within_the_budget(text: str) -> None:
    variables, value = ENOUGH[text]
    expression = compile_expression(text)
    took = []
    for _ in range(5):
        began = time.process_time()
        assert expression.evaluate(variables) == value
        took.append(time.process_time() - began)
    assert min(took) < 0.1, "the budget is some milliseconds"


@pytest.mark.parametrize(
    "text",
    [
        "s.matches(p)",
        "matches(s, 'a' + p)",
        "l.exists(x, 'abc'.matches(x))",
        f"s.matches('{'a' * 300}')",
        "s.matches('(a{1000}){1000}')",
        r"s.matches('(\\pL{50}){10}')",
        r"s.matches('\\w{32}')",
        f"[{','.join(['1'] * 600)}].all(x, [{','.join(['1'] * 600)}].all(y, x < y))",
        f"[{','.join(['1'] * 1000)}].map(x, x)",
    ],
    ids=lambda text: text[:40],
)
def test_what_always_takes_long_is_no_expression(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ExpressionSyntaxError):
        compile_expression(text)
    assert time.process_time() - began < 1


def test_to_explain_a_failure_takes_no_longer() -> None:
    chain = compile_expression("a" + " + 1" * 1000 + " + 'x'")
    began = time.process_time()
    with pytest.raises(ExpressionError, match=r"^Expected two numbers"):
        chain.evaluate({"a": 1})
    assert time.process_time() - began < 5
    with pytest.raises(MissingError) as missing:
        compile_expression("o.other > 1").evaluate({"o": FIELDS})
    assert len(str(missing.value)) < 1000
