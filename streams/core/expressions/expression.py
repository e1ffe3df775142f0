"""Expressions: CEL, compiled once, evaluated many times.

``evaluate`` takes variables as JSON values (mapping of name → value) and yields a JSON value.  The paths that the
expression reads are looked up here, whole numbers become doubles on the way in and whole numbers again on the way out.

When the library fails, its message speaks of overloads.  ``_explain`` finds the innermost part that fails, by
evaluating the parts, and says what its operands were.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import cel

from streams.core.expressions.errors import ExpressionError, ExpressionSyntaxError, MissingError
from streams.core.expressions.path import MISSING, Steps, follow, spell
from streams.core.expressions.syntax import MAX_WHOLE, Node, parse
from streams.core.expressions.tokens import bare
from streams.core.suggest import suggest

MAX_LENGTH = 4096
MAX_ELEMENTS = {
    # (builds a list, loops within a loop): elements that the loops may go over in one evaluation, so that the slowest
    # takes some tenths of a second.  The library copies the list so far for each element that map and filter add.
    (False, False): 10_000,
    (False, True): 1_000,
    (True, False): 200,
    (True, True): 100,
}
_SHOWN = 60


class Expression:
    """A compiled expression.

    ``text`` is the source with ``${x}`` as ``x``; ``names`` are the variables it reads, ``paths`` the places in them.
    """

    __slots__ = ("_limit", "_plain", "_presence", "_program", "_root", "_slots", "names", "paths", "text")

    def __init__(self, text: str) -> None:
        syntax = parse(text)
        self.text = text
        self.paths = tuple(dict.fromkeys([*syntax.slots, *syntax.presence]))
        self.names = frozenset(str(steps[0]) for steps in self.paths)
        self._root = syntax.root
        self._plain = syntax.root.steps
        self._slots = tuple((variable, steps) for steps, variable in syntax.slots.items())
        self._presence = tuple((variable, steps) for steps, variable in syntax.presence.items())
        self._limit = MAX_ELEMENTS[syntax.builds_lists, syntax.loop_depth > 1] if syntax.loops else None
        try:
            self._program = cel.compile(syntax.root.code)
        except ValueError as error:
            raise ExpressionSyntaxError(f"Expected a simpler expression than {text!r}", 0, "Split it") from error

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value as JSON: null, bool, number, text, list or object; times as RFC 3339, durations as ``90s``.

        Raises ``MissingError`` when a variable or a field is not there, ``ExpressionError`` for anything else.
        """
        if self._plain is not None:
            value = follow(variables, self._plain)
            if value is MISSING:
                raise self._missing(self._plain, variables)
            return value
        context: dict[str, Any] = {}
        for name, steps in self._slots:
            value = follow(variables, steps)
            kind = type(value)
            if kind is int:
                value = self._double(value)
            elif kind is list or kind is dict:
                value = self._doubles(value)
            elif value is MISSING:
                continue
            context[name] = value
        for name, steps in self._presence:
            context[name] = follow(variables, steps) is not MISSING
        if self._limit is not None:
            self._check_size(context)
        try:
            value = self._program.execute(context)
        except Exception as error:
            raise self._explain(variables, context) from error
        return value if type(value) is bool else self._json(value)

    def test(self, variables: Mapping[str, Any]) -> bool:
        """The value of a condition.  Raises like ``evaluate``, and when the value is not true or false."""
        value = self.evaluate(variables)
        if type(value) is not bool:
            raise ExpressionError(f"Expected true or false from {self.text!r}, but got {show(value)}")
        return value

    def reads_null(self, variables: Mapping[str, Any]) -> bool:
        """Is one of the values that it reads null?"""
        return any(follow(variables, steps) is None for steps in self.paths)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _double(self, value: int) -> float:
        try:
            return float(value)
        except OverflowError:
            raise ExpressionError(f"Expected a number below 1.8e308 in {self.text!r}, but got {show(value)}") from None

    def _doubles(self, value: Any) -> Any:
        if type(value) is int:
            return self._double(value)
        if type(value) is list:
            return [self._doubles(item) for item in value]
        if type(value) is dict:
            return {key: self._doubles(item) for key, item in value.items()}
        return value

    def _check_size(self, context: dict[str, Any]) -> None:
        size = sum(_elements(value) for value in context.values())
        if self._limit is not None and size > self._limit:
            raise ExpressionError(f"Expected at most {self._limit} elements for {self.text!r}, but got {size}")

    def _json(self, value: Any) -> Any:
        match value:
            case float():
                if not math.isfinite(value):
                    raise ExpressionError(f"Expected a finite number from {self.text!r}, but got {value}")
                return int(value) if value.is_integer() and abs(value) <= MAX_WHOLE else value
            case list():
                return [self._json(item) for item in value]
            case dict():
                return {key: self._json(item) for key, item in value.items()}
            case datetime():
                return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
            case timedelta():
                return f"{value.total_seconds():.15g}s"
            case _:
                return value

    def _missing(self, steps: Steps, variables: Mapping[str, Any]) -> MissingError:
        at = next(n for n in range(1, len(steps) + 1) if follow(variables, steps[:n]) is MISSING)
        name, path = str(steps[0]), spell(steps[:at])
        where = "" if spell(steps) == self.text else f" in {self.text!r}"
        if at == 1:
            return MissingError(f"Expected a variable {name!r}{where}. {suggest(name, variables, 'variable')}", path)
        parent = follow(variables, steps[: at - 1])
        there = f"has only: {', '.join(map(str, parent))}" if isinstance(parent, Mapping) else f"is {show(parent)}"
        return MissingError(f"Expected {path!r}{where}, but {spell(steps[: at - 1])!r} {there or 'nothing'}", path)

    def _explain(self, variables: Mapping[str, Any], context: dict[str, Any]) -> ExpressionError:
        node = self._root
        while failing := next((child for child in node.children if not child.loose and _fails(child, context)), None):
            node = failing
        if node.steps is not None:
            return self._missing(node.steps, variables)
        part = self.text[node.start : node.end]
        where = "" if part == self.text else f", in {self.text!r}"
        message = f"Cannot evaluate {part!r}{where}: {_reason(node, context)}"
        operands = [child for child in node.children if child.literal is ... and not child.loose]
        values = [f"{self.text[child.start : child.end]} is {self._shown(child, context)}" for child in operands]
        return ExpressionError(message + (f" ({', '.join(values)})" if values else ""))

    def _shown(self, node: Node, context: dict[str, Any]) -> str:
        value = _compiled(node.code).execute(context)
        return show(int(value) if isinstance(value, float) and value.is_integer() else value)


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Raises ``ExpressionSyntaxError``."""
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"Expected an expression of at most {MAX_LENGTH} characters, but got {len(text)}")
    return Expression(bare(text))


def show(value: Any) -> str:
    """``value`` as short JSON for a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


@lru_cache(maxsize=1024)
def _compiled(code: str) -> Any:
    return cel.compile(code)


def _fails(node: Node, context: dict[str, Any]) -> bool:
    try:
        _compiled(node.code).execute(context)
    except Exception:  # noqa: BLE001 - any failure of the library is the answer here
        return True
    return False


def _reason(node: Node, context: dict[str, Any]) -> str:
    try:
        _compiled(node.code).execute(context)
    except ZeroDivisionError:
        return "division by zero"
    except IndexError:
        return "the index is outside the list, or not a whole number"
    except KeyError as error:
        return f"there is no field {error}"
    except OverflowError:
        return "the number is too large"
    except TypeError:
        return "the types do not fit"
    except Exception as error:  # noqa: BLE001 - the library's other errors carry their reason as text
        text = str(error)
        return "the types do not fit" if text.startswith("Undefined") else text.split(". Check function")[0]
    raise AssertionError(f"{node.code!r} failed before")


def _elements(value: Any) -> int:
    if type(value) is list:
        return len(value) + sum(map(_elements, value))
    if type(value) is dict:
        return len(value) + sum(map(_elements, value.values()))
    return 0
