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

from streams.core.expressions.errors import ExpressionError, ExpressionSyntaxError, quote
from streams.core.expressions.explain import explain, missing, show
from streams.core.expressions.members import MAX_WHOLE
from streams.core.expressions.path import MISSING, follow
from streams.core.expressions.syntax import parse
from streams.core.expressions.tokens import bare_from

MAX_LENGTH = 4096
MAX_ELEMENTS = {
    # (builds a list, loops within a loop): elements that the loops may go over in one evaluation, so that the slowest
    # takes some tenths of a second.  The library copies the list so far for each element that map and filter add.
    (False, False): 10_000,
    (False, True): 500,
    (True, False): 100,
    (True, True): 50,
}


class Expression:
    """A compiled expression.

    ``text`` is the source with ``${x}`` as ``x``; ``names`` are the variables it reads, ``paths`` the places in them.
    """

    __slots__ = ("_limit", "_presence", "_program", "_root", "_slots", "names", "paths", "text")

    def __init__(self, text: str) -> None:
        syntax = parse(text)
        self.text = text
        self.paths = tuple(dict.fromkeys([*syntax.slots, *syntax.presence]))
        self.names = frozenset(str(steps[0]) for steps in self.paths)
        self._root = syntax.root
        self._slots = tuple((variable, steps) for steps, variable in syntax.slots.items())
        self._presence = tuple((variable, steps) for steps, variable in syntax.presence.items())
        self._limit = MAX_ELEMENTS[syntax.builds_lists, syntax.loop_depth > 1] if syntax.loops else None
        try:
            self._program = cel.compile(syntax.root.code)
        except ValueError as error:
            raise ExpressionSyntaxError(f"Expected a simpler expression than {quote(text)}", 0, "Split it") from error

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value as JSON: null, bool, number, text, list or object; times as RFC 3339, durations as ``90s``.

        Raises ``MissingError`` when a variable or a field is not there, ``ExpressionError`` for anything else.
        """
        if self._root.steps is not None:
            value = follow(variables, self._root.steps)
            if value is MISSING:
                raise missing(self.text, self._root.steps, variables)
            return value
        context = self._context(variables)
        try:
            value = self._program.execute(context)
        except Exception as error:
            raise explain(self.text, self._root, context, variables, error) from error
        return value if type(value) is bool else self._json(value)

    def test(self, variables: Mapping[str, Any]) -> bool:
        """The value of a condition.  Raises like ``evaluate``, and when the value is not true or false."""
        value = self.evaluate(variables)
        if type(value) is not bool:
            raise ExpressionError(f"Expected true or false from {quote(self.text)}, but got {show(value)}")
        return value

    def can_be_condition(self) -> bool:
        """False when the value is a number or a text, whatever the variables are."""
        return self._root.truth and (self._root.literal is ... or isinstance(self._root.literal, bool))

    def reads_null(self, variables: Mapping[str, Any]) -> bool:
        """Is one of the values that it reads null?"""
        return any(follow(variables, steps) is None for steps in self.paths)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _context(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The library's variables; a path that is not there is left out, and missed only when it is evaluated."""
        context: dict[str, Any] = {}
        for name, steps in self._slots:
            value = follow(variables, steps)
            kind = type(value)
            if kind is float or kind is str:
                context[name] = value
            elif value is not MISSING:
                context[name] = self._doubles(value)
        for name, steps in self._presence:
            context[name] = follow(variables, steps) is not MISSING
        if self._limit is not None:
            size = sum(_elements(value) for value in context.values())
            if size > self._limit:
                raise ExpressionError(f"Expected at most {self._limit} elements in {quote(self.text)}, but got {size}")
        return context

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
    source, places = bare_from(text)
    try:
        return Expression(source)
    except ExpressionSyntaxError as error:
        raise ExpressionSyntaxError(str(error), places[min(error.offset, len(source))], error.fix) from error


def _elements(value: Any) -> int:
    if type(value) is list:
        return len(value) + sum(map(_elements, value))
    if type(value) is dict:
        return len(value) + sum(map(_elements, value.values()))
    return 0
