"""What can go wrong with an expression, a template or a path.

ExpressionError(ValueError)         evaluating failed, or the result is not what it must be
├── ExpressionSyntaxError           the text is no expression; ``offset`` tells where
├── MissingError                    it reads a variable or a field that is not there
└── CostError                       it would take too long with values of this size
"""

_SHOWN = 200


def quote(text: str) -> str:
    """``text`` in a message."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


class ExpressionError(ValueError):
    """The message is complete: what was expected, what was there, in which expression."""


class ExpressionSyntaxError(ExpressionError):
    """``offset`` counts characters from the start of the text, ``fix`` says what to write instead.

    ``place`` is where in a template the text stands: keys and indices.
    """

    def __init__(self, message: str, offset: int = 0, fix: str = "", place: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.offset = offset
        self.fix = fix
        self.place = place


class CostError(ExpressionError):
    """``cost`` tells what is counted."""


class MissingError(ExpressionError):
    """``path`` is what is missing, as written: ``temperature`` or ``fields.flow_temp_c``."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path
