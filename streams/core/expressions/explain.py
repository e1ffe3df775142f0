"""Why an expression failed, in its own words.

The library's messages speak of overloads and of our internal variables.  Here the parts are evaluated, from the whole
down to the innermost one that fails, and that one's operands are shown.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import cel

from streams.core.expressions.errors import ExpressionError, MissingError, quote
from streams.core.expressions.nodes import Node
from streams.core.expressions.path import MISSING, Steps, follow, spell
from streams.core.suggest import suggest

_SHOWN = 60
_FIELDS = 30
"""So many of an object's fields are told."""
_MAX_TRIES = 200
"""Parts that are evaluated in search of the one that fails; beyond, the part found so far is told, and no operands: one
of them may be what fails."""


def explain(
    text: str, root: Node, context: Mapping[str, Any], variables: Mapping[str, Any], error: Exception
) -> ExpressionError:
    """The error for ``text``, which failed with the library's ``error`` in ``context``, made from ``variables``."""
    node, inside, innermost = _innermost(root, dict(context))
    if node.steps is not None:
        return missing(text, node.steps, variables)
    part = text[node.start : node.end]
    where = quote(part) if part == text else f"{quote(part)}, in {quote(text)}"
    if not innermost:
        return ExpressionError(f"Expected a value in {where}, but one of its many parts has none")
    operands = [child for child in _operands(node) if child.literal is ...]
    values = [f"{text[child.start : child.end]} is {_value(child, inside)}" for child in operands]
    if isinstance(error, OverflowError):
        return ExpressionError(f"Expected a smaller number in {where}{_but(values)}")
    return ExpressionError(f"Expected {node.wants or 'a value'} in {where}{_but(values)}")


def missing(text: str, steps: Steps, variables: Mapping[str, Any]) -> MissingError:
    """The error for a path that is not there; names the first step that is missing."""
    at = next(n for n in range(1, len(steps) + 1) if follow(variables, steps[:n]) is MISSING)
    name, path = str(steps[0]), spell(steps[:at])
    where = "" if spell(steps) == text else f" in {quote(text)}"
    if at == 1:
        return MissingError(f"Expected a variable {name!r}{where}. {suggest(name, variables, 'variable')}", path)
    above = follow(variables, steps[: at - 1])
    fields = ", ".join(map(repr, islice(above, _FIELDS))) if isinstance(above, Mapping) else ""
    there = f"has {fields}" if fields else f"is {show(above)}"
    return MissingError(f"Expected {path!r}{where}, but {spell(steps[: at - 1])!r} {there}", path)


def show(value: Any) -> str:
    """``value`` as short JSON for a message; keys sorted, since the library has no order of them."""
    text = json.dumps(_whole(value), ensure_ascii=False, default=str, sort_keys=True)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _innermost(root: Node, context: dict[str, Any]) -> tuple[Node, dict[str, Any], bool]:
    """The innermost part that fails, and the context in which it does: within a loop, that of the element.

    False with it when the search was given up before it was known to be the innermost.
    """
    node = root
    tries = iter(range(_MAX_TRIES))
    while True:
        failing = _failing_child(node, context, tries)
        if failing is None:
            return node, context, next(tries, None) is not None
        node, context = failing


def _failing_child(node: Node, context: dict[str, Any], tries: Iterator[int]) -> tuple[Node, dict[str, Any]] | None:
    for child in _operands(node):
        if next(tries, None) is None:
            return None
        if _fails(child, context):
            return child, context
    if node.binds is None:
        return None
    over = _compiled(node.children[0].code).execute(context)
    for element in over if isinstance(over, list | dict) else ():
        inside = {**context, node.binds: element}
        for part in node.children[1:]:
            if next(tries, None) is None:
                return None
            if _fails(part, inside):
                return part, inside
    return None


def _operands(node: Node) -> tuple[Node, ...]:
    """The parts that have a value of their own; a loop's body has one for each element."""
    return node.children if node.binds is None else node.children[:1]


@lru_cache(maxsize=1024)
def _compiled(code: str) -> Any:
    return cel.compile(code)


def _fails(node: Node, context: dict[str, Any]) -> bool:
    try:
        _compiled(node.code).execute(context)
    except Exception:  # noqa: BLE001 - any failure of the library is the answer here
        return True
    return False


def _value(node: Node, context: dict[str, Any]) -> str:
    return show(_compiled(node.code).execute(context))


def _but(values: list[str]) -> str:
    return f", but {', '.join(values)}" if values else ""


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
