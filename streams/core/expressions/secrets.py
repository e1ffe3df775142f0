"""``${secrets.name}``: a value that the action worker fills in, and that nothing here ever knows.

It stands by itself in a text of an action's configuration.  Rendered, the text still says ``${secrets.name}``, and a
*mark* beside the configuration tells where: so what a variable brings along, which may look the same, stays text.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from streams.core.expressions.errors import ExpressionSyntaxError, quote

SECRETS = "secrets"
"""No variable has this name."""
_ALONE = re.compile(r"\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,99})\s*")
_WORD = re.compile(r"(?<![\w.])secrets\b")


class Secret(NamedTuple):
    """A secret by its name."""

    name: str

    @property
    def text(self) -> str:
        """What stands for it wherever it is not known."""
        return f"${{{SECRETS}.{self.name}}}"


class Mark(NamedTuple):
    """Where a secret stands in a rendered configuration: ``path`` to a text, and the characters of it before."""

    path: tuple[str | int, ...]
    offset: int
    name: str

    def document(self) -> dict[str, Any]:
        """For an event."""
        return {"path": list(self.path), "offset": self.offset, "name": self.name}


def secret_of(inner: str) -> Secret | None:
    """The secret that ``inner``, the text between ``${`` and ``}``, names."""
    found = _ALONE.fullmatch(inner)
    return None if found is None else Secret(found[1])


def filled(config: Any, marks: list[Mark], secrets: Mapping[str, str]) -> Any:
    """``config`` with the values of ``secrets`` in the marked places; raises ``ValueError`` where a mark does not fit.

    The parts with secrets are new; ``config`` stays as it is.
    """
    for mark in sorted(marks, key=lambda one: -one.offset):
        config = _replaced(config, mark.path, mark, secrets[mark.name])
    return config


def _replaced(value: Any, path: tuple[str | int, ...], mark: Mark, secret: str) -> Any:
    match value, path:
        case str(), ():
            before, stands = value[: mark.offset], Secret(mark.name).text
            if value[mark.offset : mark.offset + len(stands)] == stands:
                return before + secret + value[mark.offset + len(stands) :]
        case dict(), (str(key), *rest) if key in value:
            return value | {key: _replaced(value[key], tuple(rest), mark, secret)}
        case list(), (int(index), *rest) if 0 <= index < len(value):
            return [*value[:index], _replaced(value[index], tuple(rest), mark, secret), *value[index + 1 :]]
    raise ValueError(f"Expected {Secret(mark.name).text} at {'.'.join(map(str, mark.path))}[{mark.offset}]")


def refuse_secrets(source: str, names: frozenset[str]) -> None:
    """Raises ``ExpressionSyntaxError`` when the expression ``source``, which reads ``names``, is about secrets."""
    if SECRETS in names:
        found = _WORD.search(source)
        fix = "Secrets are for actions that a worker performs: write ${secrets.name}, alone, in a text of their config"
        message = f"Expected an expression without secrets, but got {quote(source)}"
        raise ExpressionSyntaxError(message, found.start() if found else 0, fix)
