"""What parsing an expression yields."""

from dataclasses import dataclass, field
from typing import Any

from streams.core.expressions.path import Steps


@dataclass(slots=True)
class Node:
    """A part of an expression: its CEL text, its place in the source, the parts that are evaluated before it.

    ``wants`` says what those must be.  ``steps`` is set when the part is nothing but a path, ``literal`` when it is a
    constant.  ``binds`` is the CEL variable of a loop: the first child is what it goes over, the others its body.
    ``truth`` is false when the part cannot be a condition; ``small``: it is a number, a truth or a time, whatever its
    parts are.  ``weight``: what it costs beside reading them (``cost``).  ``op`` names what is done with the
    children: an operator, a function, a loop, ``?``, ``[]`` for an index, ``.`` for a field, ``()``, ``list``, ``{}``;
    ``x`` is an element that a loop binds.
    """

    code: str
    start: int
    end: int
    children: tuple["Node", ...] = ()
    wants: str = ""
    steps: Steps | None = None
    literal: Any = ...
    binds: str | None = None
    is_field: bool = False
    truth: bool = True
    small: bool = False
    weight: float = 0.0
    op: str = ""


@dataclass(slots=True)
class Syntax:
    """A parsed expression.  ``slots`` maps each path it reads to its CEL variable, ``presence`` those in ``has()``."""

    root: Node
    slots: dict[Steps, str] = field(default_factory=dict)
    presence: dict[Steps, str] = field(default_factory=dict)
    loops: int = 0
    loop_depth: int = 0
