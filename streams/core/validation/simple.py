"""Conditions as far as they are simple: paths compared with constants, joined by ``&&`` and ``||``.

Each is a list of alternatives, one of which must hold: for each path the cells (``streams.core.rules``) that its value
must fit, and the texts of what is not simple.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from streams.core.expressions import Expression
from streams.core.expressions.nodes import Node
from streams.core.expressions.path import Steps, spell
from streams.core.rules import Axis, Cell, axis_of, parse_cell

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(slots=True)
class Alternative:
    """All of it must hold."""

    cells: dict[Steps, list[Cell]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)

    def with_(self, other: "Alternative") -> "Alternative":
        """Both must hold."""
        both = {
            steps: [*self.cells.get(steps, ()), *other.cells.get(steps, ())] for steps in {**self.cells, **other.cells}
        }
        return Alternative(both, self.others | other.others)

    def example(self) -> str | None:
        """Values that it holds for, as far as it is simple: ``fields.temp = 31``; ``None`` when there are none."""
        told = []
        for steps, cells in self.cells.items():
            axis, mask = _fitting(steps, cells)
            if not mask:
                return None
            told.append(axis.example(mask))
        return ", ".join(filter(None, told))


def alternatives(expression: Expression) -> list[Alternative]:
    """One of them must hold."""
    return [_alternative(part, expression.text) for part in _joined("||", expression.root)]


def is_always_true(choices: Iterable[Alternative]) -> bool:
    """Is there an alternative for every value of one path, as in ``mode != "a" || mode != "b"``?"""
    alone: dict[Steps, list[Cell]] = {}
    for one in choices:
        if not one.others and len(one.cells) == 1:
            [(steps, cells)] = one.cells.items()
            alone.setdefault(steps, []).extend(cells if len(cells) == 1 else ())
    for steps, cells in alone.items():
        axis = axis_of(spell(steps), cells, ())
        covered = 0
        for cell in cells:
            covered |= axis.surely(cell)
        if covered == axis.all:
            return True
    return False


def _fitting(steps: Steps, cells: list[Cell]) -> tuple[Axis, int]:
    axis = axis_of(spell(steps), cells, ())
    mask = axis.all
    for cell in cells:
        mask &= axis.surely(cell)
    return axis, mask


def _joined(operator: str, node: Node) -> Iterator[Node]:
    """The parts that ``operator`` joins, in their order, without recursion."""
    ahead = [node]
    while ahead:
        part = _bare(ahead.pop())
        if part.op == operator:
            ahead += reversed(part.children)
        else:
            yield part


def _alternative(node: Node, text: str) -> Alternative:
    found = Alternative()
    for part in _joined("&&", node):
        simple = _cell(part)
        if simple is None:
            found.others.add(text[part.start : part.end])
        else:
            found.cells.setdefault(simple[0], []).append(simple[1])
    return found


def _cell(node: Node) -> tuple[Steps, Cell] | None:
    """What one comparison says about a path."""
    if node.steps is not None:
        return node.steps, parse_cell("true")
    operands = [_bare(child) for child in node.children]
    if node.op == "!x" and operands[0].steps is not None:
        return operands[0].steps, parse_cell("false")
    if node.op == "in" and operands[0].steps is not None:
        values = [child.literal for child in operands[1].children] if operands[1].op == "list" else []
        return (operands[0].steps, parse_cell(", ".join(map(json.dumps, values)))) if _are_constants(values) else None
    return _compared(node.op, *operands) if node.op in _MIRRORED else None


def _are_constants(values: list[Any]) -> bool:
    return bool(values) and not any(value is ... for value in values)


def _compared(operator: str, left: Node, right: Node) -> tuple[Steps, Cell] | None:
    if left.steps is not None and right.literal is not ...:
        return left.steps, parse_cell(f"{operator} {json.dumps(right.literal)}")
    if right.steps is not None and left.literal is not ...:
        return right.steps, parse_cell(f"{_MIRRORED[operator]} {json.dumps(left.literal)}")
    return None


def _bare(node: Node) -> Node:
    while node.op == "()":
        node = node.children[0]
    return node
