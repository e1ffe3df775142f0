"""Comparisons of numbers and texts, done here: ``temperature > 25 && mode == 'auto'``.

Most conditions are nothing else, and entering the library takes several times as long as comparing.  ``plain`` yields
what the library would, or ``None`` where it has to be asked: for any other value, and any other operator.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from streams.core.expressions.cost import SHORT
from streams.core.expressions.nodes import Node
from streams.core.expressions.path import follow

Plain = Callable[[Mapping[str, Any]], bool | None]
"""From the variables."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_OF_TEXTS = frozenset({"==", "!="})
_EXACT = 2**53
"""Whole numbers within are the same as doubles."""


def plain(node: Node) -> Plain | None:
    """How to evaluate ``node`` without the library; ``None``: never."""
    if node.op == "()":
        return plain(node.children[0])
    if node.op in _COMPARE:
        return _comparison(node)
    if node.op in {"&&", "||"}:
        left, right = map(plain, node.children)
        return None if left is None or right is None else _both(left, right, all_of=node.op == "&&")
    return None


def _comparison(node: Node) -> Plain | None:
    if any(side.steps is None and side.literal is ... for side in node.children):
        return None
    left, right = node.children
    compare, texts = _COMPARE[node.op], node.op in _OF_TEXTS

    def evaluate(variables: Mapping[str, Any]) -> bool | None:
        a = left.literal if left.steps is None else follow(variables, left.steps)
        b = right.literal if right.steps is None else follow(variables, right.steps)
        if _is_number(a) and _is_number(b):
            return compare(a, b)
        if texts and type(a) is str and type(b) is str and len(a) <= SHORT and len(b) <= SHORT:
            return compare(a, b)
        return None

    return evaluate


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and -_EXACT <= value <= _EXACT)


def _both(left: Plain, right: Plain, *, all_of: bool) -> Plain:
    def evaluate(variables: Mapping[str, Any]) -> bool | None:
        a, b = left(variables), right(variables)
        if a is None or b is None:
            return None
        return a and b if all_of else a or b

    return evaluate
