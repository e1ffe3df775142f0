"""JSON values compared as a decision table compares them: 5 and 5.0 are one number, true is none, null is less than
nothing and greater than nothing.
"""

import operator
from collections.abc import Callable
from typing import Any

from streams.core.expressions import ExpressionError
from streams.core.expressions.explain import show

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = {int: "a number", float: "a number", str: "a text"}


def is_number(value: Any) -> bool:
    """True for 5 and 5.0, not for true."""
    return _ORDERED.get(type(value)) == "a number"


def equal(left: Any, right: Any) -> bool:
    """Are they the same JSON value?"""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def compare(value: Any, sign: str, bound: Any) -> bool:
    """``value < bound``, for two numbers or two texts; false when one is null.

    Raises ``ExpressionError`` for anything else.
    """
    wanted = _ORDERED.get(type(bound))
    if wanted is not None and _ORDERED.get(type(value)) is wanted:
        return _COMPARISONS[sign](value, bound)
    if value is None or bound is None:
        return False
    if wanted is None:
        raise ExpressionError(f"Expected a number or a text after {sign!r}, but got {show(bound)}")
    raise ExpressionError(f"Expected {wanted} to compare with '{sign} {show(bound)}', but got {show(value)}")
