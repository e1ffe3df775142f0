"""A cell of a decision table: what one input must be for the row to hit.  DMN calls it *unary tests*.

| cell | holds for |
|---|---|
| ``-``, or nothing | every value, also null |
| ``"error"``, ``5``, ``true``, ``null``, ``limit + 1`` | that value |
| ``> 30``, ``<= limit``, ``!= "off"`` | what compares so; null does with nothing, but for ``=`` and ``!=`` |
| ``[20..30]``, ``[20..30)``, ``]20..30[`` | what lies between; a round or a reversed bracket leaves the bound out |
| ``temperature > 30 && mode == "auto"`` | when that is true: it reads variables and the table's inputs by name |
| ``"a", "b", > 5`` | what one of them holds for |
| ``not("a", "b")`` | what none of them holds for |

Bounds and values are expressions.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.core.expressions import Expression, ExpressionError, ExpressionSyntaxError, compile_expression
from streams.core.expressions.explain import show
from streams.core.expressions.tokens import bare
from streams.core.expressions.types import is_truth
from streams.core.rules import scan
from streams.core.rules.values import compare, equal

Scope = Mapping[str, Any]
_Test = Callable[[Any, Scope], bool]

MAX_LENGTH = 4096
_NOT = re.compile(r"not\s*\(")
_NOTHING: dict[str, Any] = {}
_SIGN = re.compile(r"<=|>=|==|!=|<|>|=")
_OPERAND_FIX = 'Write a text in quotes: "error"; several values with commas: "a", "b"; a range: [20..30)'


@dataclass(frozen=True, slots=True)
class Cell:
    """A compiled cell.  ``text`` is its source with ``${x}`` as ``x``; ``expressions`` are those that it evaluates,
    ``constants`` the values that it compares with, as far as they are known.

    ``known``: it asks nothing but its input's value.  ``compares``: the order of values matters to it.
    """

    text: str
    expressions: tuple[Expression, ...] = ()
    constants: tuple[Any, ...] = ()
    known: bool = True
    compares: bool = False
    negated: bool = False
    _tests: tuple[_Test, ...] = field(default=(), repr=False, compare=False)

    def holds(self, value: Any, scope: Scope) -> bool:
        """``value`` is the input's, ``scope`` what its expressions read.  Raises ``ExpressionError``."""
        for test in self._tests:
            if test(value, scope):
                return not self.negated
        return self.negated or not self._tests


def parse_cell(text: str) -> Cell:
    """Raises ``ExpressionSyntaxError``, its offset within ``text``."""
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"Expected a cell of at most {MAX_LENGTH} characters, but got {len(text)}")
    source, places = bare(text)
    try:
        return _Reader(source).cell()
    except ExpressionSyntaxError as error:
        raise ExpressionSyntaxError(str(error), places[min(error.offset, len(source))], error.fix) from error


class _Operand(NamedTuple):
    """A value to compare with: ``value`` takes a scope."""

    expression: Expression
    constant: bool
    value: Callable[[Scope], Any]


class _Reader:
    """Reads a cell from left to right, and collects what it consists of."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._expressions: list[Expression] = []
        self._constants: list[Any] = []
        self._known = True
        self._compares = False

    def cell(self) -> Cell:
        text = self._text
        if text in ("", "-"):
            return Cell("-")
        start, end, negated = 0, len(text), False
        if opening := _NOT.match(text):
            closing = next((at for at, _, depth in scan.marks(text, opening.end()) if depth < 0), None)
            if closing is None:
                raise ExpressionSyntaxError("Expected ')' at the end", len(text), 'Write not("a", "b")')
            if text[closing + 1 :].strip():
                raise ExpressionSyntaxError("Expected nothing behind not(…)", closing + 1, "Put all tests into it")
            start, end, negated = opening.end(), closing, True
        tests = tuple(self._tests(start, end))
        return Cell(text, tuple(self._expressions), tuple(self._constants), self._known, self._compares, negated, tests)

    def _tests(self, start: int, end: int) -> Iterator[_Test]:
        at = start
        while True:
            stop, test = self._test(at, end)
            yield test
            if stop == end:
                return
            if self._text[stop] != ",":
                raise ExpressionSyntaxError(f"Expected ',' or the end, but got {self._text[stop]!r}", stop)
            at = stop + 1

    def _test(self, start: int, end: int) -> tuple[int, _Test]:
        """The test from ``start`` on, and where it ends."""
        text = self._text
        at = start + len(text[start:end]) - len(text[start:end].lstrip())
        if text[at:end][:1] in ("[", "(", "]") and (found := scan.interval(text, at)) is not None:
            dots, closing = found
            test = self._interval(at, dots, closing)
            stop = closing + 1
            return stop + len(text[stop:end]) - len(text[stop:end].lstrip()), test
        stop = min(scan.end_of_test(text, at), end)
        sign = _SIGN.match(text, at, stop)
        return stop, self._comparison(sign.group(), sign.end(), stop) if sign else self._value(at, stop)

    def _interval(self, start: int, dots: int, closing: int) -> _Test:
        low, high = self._operand(start + 1, dots), self._operand(dots + 2, closing)
        above = ">=" if self._text[start] == "[" else ">"
        below = "<=" if self._text[closing] == "]" else "<"
        self._compares = True
        if low.constant and high.constant:
            self._check_bounds(low.value(_NOTHING), high.value(_NOTHING), above + below, start, closing)
        return lambda value, scope: compare(value, above, low.value(scope)) and compare(value, below, high.value(scope))

    def _check_bounds(self, low: Any, high: Any, signs: str, start: int, closing: int) -> None:
        part = f"'{self._text[start : closing + 1]}'"
        try:
            ordered = compare(low, "<", high) or (equal(low, high) and signs == ">=<=")
        except ExpressionError:
            message = f"Expected two bounds of one type, but got {show(low)} and {show(high)} in {part}"
            raise ExpressionSyntaxError(message, start) from None
        if not ordered:
            raise ExpressionSyntaxError(f"Expected the lower bound first, but nothing lies in {part}", start)

    def _comparison(self, sign: str, start: int, end: int) -> _Test:
        bound = self._operand(start, end).value
        if sign in ("=", "=="):
            return lambda value, scope: equal(value, bound(scope))
        if sign == "!=":
            return lambda value, scope: not equal(value, bound(scope))
        self._compares = True
        return lambda value, scope: compare(value, sign, bound(scope))

    def _value(self, start: int, end: int) -> _Test:
        operand = self._operand(start, end)
        condition = operand.expression
        if not operand.constant and is_truth(condition):
            return lambda _, scope: condition.test(scope)
        return lambda value, scope: equal(value, operand.value(scope))

    def _operand(self, start: int, end: int) -> "_Operand":
        """The expression between ``start`` and ``end``; one that reads nothing is a constant."""
        text = self._text[start:end]
        if not text.strip():
            raise ExpressionSyntaxError("Expected a value, but there is none", start, _OPERAND_FIX)
        try:
            expression = compile_expression(text)
            if not expression.paths:
                constant = expression.evaluate(_NOTHING)
                self._constants.append(constant)
                return _Operand(expression, True, lambda _: constant)
        except ExpressionSyntaxError as error:
            raise ExpressionSyntaxError(str(error), start + error.offset, error.fix or _OPERAND_FIX) from error
        except ExpressionError as error:
            raise ExpressionSyntaxError(str(error), start, _OPERAND_FIX) from error
        self._known = False
        self._expressions.append(expression)
        return _Operand(expression, False, expression.evaluate)
