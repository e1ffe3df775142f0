"""Expressions: CEL, compiled once, evaluated many times.

``evaluate`` takes variables as JSON values (a mapping of name → value) and yields a JSON value.  The paths that the
expression reads are looked up here; whole numbers become doubles on the way in and whole numbers again on the way out.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import cel

from streams.core.expressions.cost import BUDGET, METER, SHORT, Plan, shape_of, short_text
from streams.core.expressions.errors import CostError, ExpressionError, ExpressionSyntaxError, quote
from streams.core.expressions.explain import explain, missing, show
from streams.core.expressions.members import MAX_WHOLE
from streams.core.expressions.path import MISSING, follow, spell
from streams.core.expressions.plain import plain
from streams.core.expressions.secrets import refuse_secrets
from streams.core.expressions.syntax import parse
from streams.core.expressions.tokens import bare

MAX_LENGTH = 4096


class Expression:
    """A compiled expression.

    ``text`` is the source with ``${x}`` as ``x``; ``names`` are the variables it reads, ``paths`` the places in them,
    ``root`` its structure.
    """

    __slots__ = (
        "_large",
        "_plain",
        "_plan",
        "_presence",
        "_program",
        "_slots",
        "_usual",
        "names",
        "paths",
        "root",
        "text",
    )

    def __init__(self, text: str) -> None:
        syntax = parse(text)
        self.text = text
        self.paths = tuple(dict.fromkeys([*syntax.slots, *syntax.presence]))
        self.names = frozenset(str(steps[0]) for steps in self.paths)
        self.root = syntax.root
        self._slots = tuple((variable, steps) for steps, variable in syntax.slots.items())
        self._presence = tuple((variable, steps) for steps, variable in syntax.presence.items())
        self._plan = Plan(syntax.root)
        if self._plan.cost({}) > BUDGET:
            raise ExpressionSyntaxError(
                f"Expected an expression that takes less time than {quote(text)}", 0, "Split it"
            )
        self._usual = self._plan.cost(dict.fromkeys(syntax.slots.values(), short_text()))
        self._large = self._usual > BUDGET
        self._plain = None if self._large else plain(syntax.root)
        try:
            self._program = cel.compile(syntax.root.code)
        except ValueError as error:
            raise ExpressionSyntaxError(f"Expected a simpler expression than {quote(text)}", 0, "Split it") from error

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value as JSON: null, bool, number, text, list or object; times as RFC 3339, durations as ``90s``.

        Raises ``MissingError`` when a variable or a field is not there, ``CostError`` when the values are too large for
        it, ``ExpressionError`` for anything else.
        """
        if self.root.steps is not None:
            value = follow(variables, self.root.steps)
            if value is MISSING:
                raise missing(self.text, self.root.steps, variables)
            return value
        if self._plain is not None and (result := self._plain(variables)) is not None:
            return result
        context = self._context(variables)
        try:
            value = self._program.execute(context)
        except Exception as error:
            raise explain(self.text, self.root, context, variables, error) from error
        return value if type(value) is bool else self._json(value)

    def test(self, variables: Mapping[str, Any]) -> bool:
        """The value of a condition.  Raises like ``evaluate``, and when the value is not true or false."""
        value = self.evaluate(variables)
        if type(value) is not bool:
            raise ExpressionError(f"Expected true or false from {quote(self.text)}, but got {show(value)}")
        return value

    def can_be_condition(self) -> bool:
        """False when the value is a number or a text, whatever the variables are."""
        return self.root.truth and (self.root.literal is ... or isinstance(self.root.literal, bool))

    def reads_null(self, variables: Mapping[str, Any]) -> bool:
        """Is one of the values that it reads null?"""
        return any(follow(variables, steps) is None for steps in self.paths)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _context(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The library's variables; a path that is not there is left out, and missed only when it is evaluated."""
        context: dict[str, Any] = {}
        whole: list[str] = []
        large = self._large
        for name, steps in self._slots:
            value = follow(variables, steps)
            kind = type(value)
            if kind is float:
                context[name] = value
            elif kind is str:
                context[name] = value
                large = large or len(value) > SHORT
            elif value is not MISSING:
                context[name] = value
                whole.append(name)
                large = large or kind is list or kind is dict
        METER.spent += self._cost(context) if large else self._usual
        if METER.spent > METER.most:
            raise CostError(f"Expected less to do in all that is evaluated here, of which {quote(self.text)} is one")
        for name in whole:
            context[name] = self._doubles(context[name])
        for name, steps in self._presence:
            context[name] = follow(variables, steps) is not MISSING
        return context

    def _cost(self, values: Mapping[str, Any]) -> float:
        """In units.  Raises ``CostError`` when the values are too large for what is done with them."""
        cost = self._plan.cost({name: shape_of(value) for name, value in values.items()})
        if cost > BUDGET:
            sizes = ", ".join(
                f"{spell(steps)} is {size_of(values[name])}" for name, steps in self._slots if name in values
            )
            raise CostError(f"Expected less to do in {quote(self.text)}, but {sizes}")
        return cost

    def _doubles(self, value: Any) -> Any:
        kind = type(value)
        if kind is int:
            try:
                return float(value)
            except OverflowError:
                message = f"Expected a number below 1.8e308 in {quote(self.text)}, but got {show(value)}"
                raise ExpressionError(message) from None
        if kind is list:
            return [self._doubles(item) for item in value]
        if kind is dict:
            return {key: self._doubles(item) for key, item in value.items()}
        return value

    def _json(self, value: Any) -> Any:
        match value:
            case float():
                if not math.isfinite(value):
                    raise ExpressionError(f"Expected a finite number from {quote(self.text)}, but got {value}")
                return int(value) if value.is_integer() and abs(value) <= MAX_WHOLE else value
            case list():
                return [self._json(item) for item in value]
            case dict():  # the library has no order of keys
                return {key: self._json(value[key]) for key in sorted(value)}
            case datetime():
                return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
            case timedelta():
                return f"{value.total_seconds():.15g}s"
            case _:
                return value


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Raises ``ExpressionSyntaxError``."""
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"Expected an expression of at most {MAX_LENGTH} characters, but got {len(text)}")
    source, places = bare(text)
    try:
        expression = Expression(source)
        refuse_secrets(source, expression.names)
        return expression  # noqa: TRY300  both may raise
    except ExpressionSyntaxError as error:
        raise ExpressionSyntaxError(str(error), places[min(error.offset, len(source))], error.fix) from error


def size_of(value: Any) -> str:
    """A value's size in a message: the value itself when it is a number."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return show(value)
