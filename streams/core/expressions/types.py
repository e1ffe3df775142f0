"""The types of expressions, as far as they are known before anything is evaluated.

``typed(expression, type_of)`` infers them from literals, operators, functions, and from what ``type_of`` knows of the
paths that it reads.  ``None`` is a type that is not known: a field of a reading, an element of a list.  Where two parts
cannot go together whatever their values are, there is a mismatch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from streams.core.expressions.expression import Expression
from streams.core.expressions.nodes import Node
from streams.core.expressions.path import Steps
from streams.core.expressions.signatures import EQUALITIES, ORDERED, PARTS, SUMS, WORDS, Type

TypeOf = Callable[[Steps], Type | None]


class Mismatch(NamedTuple):
    """``text`` is the part that cannot be right, from ``start`` in the expression; ``paths`` are those within it."""

    text: str
    start: int
    message: str
    paths: tuple[Steps, ...]


@dataclass(slots=True)
class Typed:
    """The type of a whole expression, and what cannot be right in it."""

    type: Type | None = None
    mismatches: list[Mismatch] = field(default_factory=list)


def nothing_known(_: Steps) -> Type | None:
    """A ``TypeOf``."""
    return None


def is_truth(expression: Expression) -> bool:
    """Does it yield true or false whatever its variables are?"""
    return typed(expression, nothing_known).type == "boolean"


def typed(expression: Expression, type_of: TypeOf) -> Typed:
    """``type_of`` tells the type of a path that the expression reads."""
    return _Inference(expression.text, type_of).run(expression.root)


class _Inference:
    def __init__(self, text: str, type_of: TypeOf) -> None:
        self._text = text
        self._type_of = type_of
        self._result = Typed()

    def run(self, root: Node) -> Typed:
        """Parts first, without recursion: a chain of a thousand operators nests as deep."""
        types: dict[int, Type | None] = {}
        for node in parts(root):
            types[id(node)] = self._infer(node, [types[id(child)] for child in node.children])
        self._result.type = types[id(root)]
        return self._result

    def _infer(self, node: Node, given: list[Type | None]) -> Type | None:
        if node.literal is not ...:
            return type_of_value(node.literal)
        if node.steps is not None:
            return self._type_of(node.steps)
        special = self._SPECIAL.get(node.op)
        return self._taken(node, given) if special is None else special(self, node, given)

    def _taken(self, node: Node, given: list[Type | None]) -> Type | None:
        """What takes certain types and yields one; an element or a field may be anything."""
        takes, result = PARTS.get(node.op, ((), None))
        if any(one is not None and one not in types for one, types in zip(given, takes, strict=False)):
            self._mismatch(node)
        return result

    def _inner(self, _node: Node, given: list[Type | None]) -> Type | None:
        return given[0]

    def _chosen(self, node: Node, given: list[Type | None]) -> Type | None:
        if given[0] not in (None, "boolean"):
            self._mismatch(node)
        return given[1] if given[1] == given[2] else None

    def _negated(self, node: Node, given: list[Type | None]) -> Type | None:
        if given[0] not in (None, "number", "duration"):
            self._mismatch(node)
        return given[0]

    def _compared(self, node: Node, given: list[Type | None]) -> Type | None:
        left, right = given
        known = left is not None and right is not None
        if node.op in EQUALITIES:
            if known and left != right and "null" not in given:
                self._mismatch(node)
        elif (known and left != right) or any(one is not None and one not in ORDERED for one in given):
            self._mismatch(node)
        return "boolean"

    def _arithmetic(self, node: Node, given: list[Type | None]) -> Type | None:
        fitting = {
            result
            for wanted, result in SUMS[node.op].items()
            if all(one in (None, type_) for one, type_ in zip(given, wanted, strict=True))
        }
        if not fitting:
            self._mismatch(node)
        return fitting.pop() if len(fitting) == 1 else None

    def _mismatch(self, node: Node) -> None:
        part = self._text[node.start : node.end]
        wants = "two values of one type" if node.op in EQUALITIES else node.wants
        message = f"Expected {wants} in {part!r}, but {self._told(node)}"
        paths = tuple(one.steps for one in parts(node) if one.steps is not None)
        self._result.mismatches.append(Mismatch(part, node.start, message, paths))

    def _told(self, node: Node) -> str:
        """The types of the operands: ``mode is a text and 5 a number``."""
        operands = node.children[:1] if node.binds is not None or node.op == "?" else node.children
        told: list[str] = []
        for child in operands:
            known = _Inference(self._text, self._type_of).run(child).type
            if known is not None:
                verb = "" if told else "is "
                told.append(f"{self._text[child.start : child.end]} {verb}{WORDS[known]}")
        return " and ".join(told)

    _SPECIAL: ClassVar[dict[str, Callable[["_Inference", Node, list[Type | None]], Type | None]]] = {
        "()": _inner,
        "?": _chosen,
        "-x": _negated,
        **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _compared),
        **dict.fromkeys(SUMS, _arithmetic),
    }


def parts(root: Node) -> Iterator[Node]:
    """All parts of an expression, each behind those that it is made of."""
    ahead: list[tuple[Node, bool]] = [(root, False)]
    while ahead:
        node, ready = ahead.pop()
        if ready or not node.children:
            yield node
        else:
            ahead.append((node, True))
            ahead += [(child, False) for child in reversed(node.children)]


def type_of_value(value: Any) -> Type:
    """Of a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
