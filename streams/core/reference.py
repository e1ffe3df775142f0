"""What people call an instance: the text of ``reference``, made once, when it starts.

It is for eyes and for searching, and nothing depends on it, so it never keeps an instance from starting.  A part of it
that has no value then is ``?``: "Pump P-7, order ?" still says which pump.
"""

from collections.abc import Mapping
from typing import Any

from streams.core.expressions import Expression, ExpressionError, compile_expression
from streams.core.expressions.template import split_text, text_of
from streams.core.scalars import shortened

UNKNOWN = "?"
MAX_LENGTH = 200
"""Characters; what is longer ends in ``…``."""


class Reference:
    """A compiled template; ``expressions`` are those in it."""

    __slots__ = ("_pieces", "expressions")

    def __init__(self, text: str) -> None:
        """Raises ``ExpressionSyntaxError``."""
        self._pieces = [(before, None if it is None else compile_expression(it)) for before, it, _ in split_text(text)]
        self.expressions: list[Expression] = [it for _, it in self._pieces if it is not None]

    def render(self, variables: Mapping[str, Any]) -> str | None:
        """One line of at most ``MAX_LENGTH`` characters; ``None`` where nothing is known of what it should tell."""
        values = [None if it is None else _shown(it, variables) for _, it in self._pieces]
        if self.expressions and all(value is None for value in values):
            return None
        filled = (
            before + ("" if it is None else value or UNKNOWN)
            for (before, it), value in zip(self._pieces, values, strict=True)
        )
        return shortened(" ".join("".join(filled).split()), MAX_LENGTH) or None


def _shown(expression: Expression, variables: Mapping[str, Any]) -> str | None:
    try:
        value = expression.evaluate(variables)
    except ExpressionError:
        return None
    return None if value is None else text_of(value).strip() or None
