"""What evaluating an expression may cost at most, told before that: by its parts and the sizes of its values.

The library has no budget of its own.  A unit is about half a microsecond: a part that is evaluated costs one, and as
much more as the texts and lists that it reads are large; a loop costs its body as often as there are elements.  What
grows is followed: ``s + s + s`` yields three times the size.  It is an upper bound, so an expression beyond the budget
might have been quick, and one within it is.
"""

import math
import re
import threading
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from streams.core.expressions.nodes import Node

BUDGET = 10_000
"""Units: some milliseconds."""
ACTIVITY_BUDGET = 1_000_000
"""Of all that one activity evaluates: an expression for each element of a list, the cells of a table."""
COMMAND_BUDGET = 2_000_000
"""Behind so much a command enters no further activity."""
SHORT = 256
"""Characters of a text that need no look at the whole, unless the expression is large."""

_CHARACTERS = 64
"""So many cost a unit to read or copy."""
_LIST_ELEMENT, _OBJECT_FIELD = 8, 40
"""Units for handing one to the library."""
_FUNCTION = 3
_PATTERN_CHARACTER, _PATTERN_CLASS = 10, 1_000
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_CLASS = re.compile(r"\\[wWpPbB]")
_DEPTH = 3
"""Of lists in lists: more than loops within loops."""


class Meter(threading.local):
    """What this thread's expressions have cost since somebody began to count; none may make it more than ``most``."""

    spent: float = 0.0
    most: float = math.inf


METER = Meter()


class Shape(NamedTuple):
    """A value's size: units to read or copy it, how many elements, how large they are at most, units to hand it over.
    A number has none of it.
    """

    volume: float = 0.0
    items: int = 0
    element: "Shape | None" = None
    handing: float = 0.0


SCALAR = Shape()


TOO_LARGE = Shape(handing=BUDGET + 1.0)


def shape_of(value: Any, left: float = BUDGET) -> Shape:
    """The size of a JSON value; what costs more than ``left`` to hand over is not looked at any further."""
    if isinstance(value, str):
        return Shape(len(value) / _CHARACTERS)
    if isinstance(value, dict):
        return _whole(value.values(), _OBJECT_FIELD, left, sum(map(len, value)) / _CHARACTERS)
    if isinstance(value, list):
        return _whole(value, _LIST_ELEMENT, left)
    return SCALAR


def short_text() -> Shape:
    """A text that is let through without a look."""
    return Shape(SHORT / _CHARACTERS)


def pattern_weight(pattern: str) -> float:
    """Units for compiling a regular expression, which the library does at each use; classes of Unicode are large."""
    times = 1
    for low, high in _REPEAT.findall(pattern):
        times *= max(int(low or 1), int(high or 1))
    return times * (_PATTERN_CHARACTER * len(pattern) + _PATTERN_CLASS * len(_CLASS.findall(pattern)))


class Plan:
    """The parts of an expression in the order of their evaluation, so that a chain of a thousand needs no recursion."""

    __slots__ = ("_steps",)

    def __init__(self, root: Node) -> None:
        self._steps: list[tuple[Node, tuple[int, ...], tuple[Plan, ...]]] = []
        places: dict[int, int] = {}
        ahead: list[tuple[Node, bool]] = [(root, False)]
        while ahead:
            node, ready = ahead.pop()
            inputs = node.children if node.binds is None else node.children[:1]
            if ready:
                bodies = () if node.binds is None else tuple(Plan(part) for part in node.children[1:])
                places[id(node)] = len(self._steps)
                self._steps.append((node, tuple(places[id(one)] for one in inputs), bodies))
            else:
                ahead.append((node, True))
                ahead += [(one, False) for one in reversed(inputs)]

    def cost(self, shapes: Mapping[str, Shape]) -> float:
        """Units for one evaluation; ``shapes`` are those of the library's variables, a number where there is none."""
        handing = sum(shape.handing for shape in shapes.values())
        return handing + self._run(shapes)[0]

    def _run(self, shapes: Mapping[str, Shape]) -> tuple[float, Shape]:
        cost, found = 0.0, list[Shape]()
        for node, inputs, bodies in self._steps:
            given = [found[at] for at in inputs]
            if bodies:
                spent, shape = _loop(node, given[0], bodies, shapes)
                cost += spent
            elif not given:
                shape = shape_of(node.literal) if node.literal is not ... else shapes.get(node.code, SCALAR)
                cost += 1
            else:
                volume = sum(one.volume for one in given)
                shape = SCALAR if node.small else _joined(given, volume)
                cost += (_FUNCTION if node.small else 1) + volume + node.weight
            if cost > BUDGET:
                return cost, SCALAR
            found.append(shape)
        return cost, found[-1]


def _loop(node: Node, over: Shape, bodies: tuple[Plan, ...], shapes: Mapping[str, Shape]) -> tuple[float, Shape]:
    """The library copies the list so far for each element that map and filter add."""
    assert node.binds is not None
    inside = {**shapes, node.binds: over.element or SCALAR}
    runs = [body._run(inside) for body in bodies]  # noqa: SLF001  its own kind
    once = 1 + sum(cost for cost, _ in runs)
    cost = over.volume + over.items * once
    if node.small:
        return cost, SCALAR
    element = over.element or SCALAR
    for _, shape in runs:
        element = _larger(element, shape)
    volume = over.items * (element.volume + 1 / _LIST_ELEMENT)
    return cost + over.items * volume / 2, Shape(volume, over.items, element)


def _joined(given: list[Shape], volume: float) -> Shape:
    """Texts or lists one behind the other, a list of them, or one of them."""
    element = SCALAR
    for one in given:
        element = _larger(_larger(element, one), one.element or SCALAR)
    return Shape(volume, sum(one.items for one in given) + len(given), element)


def _whole(values: Collection[Any], each: int, left: float, keys: float = 0.0) -> Shape:
    handing = float(each * len(values))
    volume, element = keys + len(values) / _LIST_ELEMENT, Shape(keys)
    for value in values if handing <= left else ():
        part = shape_of(value, left - handing)
        handing += part.handing
        volume += part.volume
        element = _larger(element, part)
        if handing > left:
            break
    return Shape(volume, len(values), element, handing) if handing <= left else TOO_LARGE


def _larger(one: Shape, other: Shape, depth: int = _DEPTH) -> Shape:
    """At least as large as both, seen as deep as loops can go."""
    if other is SCALAR and one.element is None:
        return one
    inner = [shape.element for shape in (one, other) if shape.element is not None]
    element = _larger(inner[0], inner[-1], depth - 1) if inner and depth > 0 else None
    return Shape(max(one.volume, other.volume), max(one.items, other.items), element)
