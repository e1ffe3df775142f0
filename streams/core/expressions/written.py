"""Where in what somebody has written the name stands that an expression reads."""

import re
from collections.abc import Iterator
from contextlib import suppress

from streams.core.expressions.errors import ExpressionSyntaxError
from streams.core.expressions.expression import Expression
from streams.core.expressions.nodes import Node
from streams.core.expressions.template import split_text
from streams.core.expressions.tokens import STRING, bare, tokenize


def find_name(source: str, expression: Expression, name: str) -> int | None:
    """The offset in ``source``, an expression or a text with ``${…}``; ``None`` where that cannot be told.

    ``expression`` reads ``name``, and ``source`` is, or has, what it was compiled from.
    """
    at = min(_reads(expression, name))
    for written, begins in _expressions(source):
        text, places = bare(written)
        if text == expression.text:
            return begins + places[at]
    outside_texts = re.finditer(rf"{STRING}|(?<![\w.])(?P<name>{re.escape(name)})(?!\w)", source)
    return next((found.start() for found in outside_texts if found["name"]), None)


def _reads(expression: Expression, name: str) -> Iterator[int]:
    """The offsets in the expression's text at which it reads the variable."""
    ahead: list[Node] = [expression.root]
    while ahead:
        node = ahead.pop()
        ahead += node.children
        if node.steps is not None and node.steps[0] == name:
            yield node.start
        elif node.op == "has" and not node.children:  # what it asks for is no part that is evaluated
            of = next(token for token in tokenize(expression.text) if token.kind == "name" and token.start > node.start)
            if of.text == name:
                yield of.start


def _expressions(source: str) -> Iterator[tuple[str, int]]:
    """Each that ``source`` may be or have, and its offset; a mark without its end is part of a text of it."""
    with suppress(ExpressionSyntaxError):
        yield from ((inner, offset) for _, inner, offset in split_text(source) if inner is not None)
    with suppress(ExpressionSyntaxError):
        bare(source)
        yield source, 0
