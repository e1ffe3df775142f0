"""Templates: JSON with ``${…}`` in its texts.

A text that is exactly one ``${x}`` becomes the value of x with its type; in any other text the value is written out:
``"Temperature ${temperature} °C"``.  ``$${`` stands for the characters ``${``.
``${secrets.name}`` stays as it is, and is told by a mark.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.core.expressions.errors import ExpressionError, ExpressionSyntaxError, quote
from streams.core.expressions.expression import Expression, compile_expression
from streams.core.expressions.members import MAX_WHOLE
from streams.core.expressions.secrets import Mark, Secret, secret_of
from streams.core.expressions.tokens import closing_brace

_Render = Callable[[Mapping[str, Any]], Any]
Place = tuple[str | int, ...]
_Pieces = list[tuple[str, Expression | Secret | None]]


@dataclass(slots=True)
class _Parts:
    """What compiling finds on its way; ``marked`` are the texts with secrets, in pieces."""

    texts: Collection[str]
    secrets: bool
    places: list[tuple[Place, Expression]] = field(default_factory=list)
    marked: list[tuple[Place, _Pieces]] = field(default_factory=list)


class Template:
    """A compiled template; ``names`` are the variables it reads, ``places`` its expressions and where they stand.

    ``secrets`` are the names of those that it has.
    """

    __slots__ = ("_marked", "_render", "names", "places", "secrets", "source")

    def __init__(self, source: Any, texts: Collection[str] = (), *, secrets: bool = False) -> None:
        parts = _Parts(texts, secrets)
        self.source = source
        self._render = _compile(source, (), parts)
        self.places = tuple(parts.places)
        self._marked = tuple(parts.marked)
        self.secrets = frozenset(it.name for _, pieces in self._marked for _, it in pieces if isinstance(it, Secret))
        self.names = frozenset(name for _, expression in self.places for name in expression.names)

    def render(self, variables: Mapping[str, Any]) -> Any:
        """The value with every ``${…}`` filled in.  Raises ``ExpressionError``, also for a null within a text."""
        return self._render(variables)

    def marks(self, variables: Mapping[str, Any]) -> list[Mark]:
        """Where the secrets stand in what ``render`` yields with the same variables."""
        return [mark for place, pieces in self._marked for mark in _marks(place, pieces, variables)]

    def __repr__(self) -> str:
        return f"Template({self.source!r})"


def compile_template(source: Any, *, texts: Collection[str] = (), secrets: bool = False) -> Template:
    """``source`` is any JSON value.  What is under its keys ``texts`` renders to text, also when it is one ``${x}``.

    ``secrets``: whether it may have ``${secrets.name}``.  Raises ``ExpressionSyntaxError``.
    """
    return Template(source, texts, secrets=secrets)


def text_of(value: Any) -> str:
    """A value within a text: 25.0 is ``25``, 25.50 is ``25.5``, true is ``true``, a list is JSON."""
    match value:
        case str():
            return value
        case float():
            if value.is_integer() and abs(value) <= MAX_WHOLE:
                return str(int(value))
            return f"{value:.15g}"
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def split_text(source: str) -> list[tuple[str, str | None, int]]:
    """``source`` in pieces: (text before, expression or None, offset of the expression).

    Raises ``ExpressionSyntaxError`` when a ``${`` is not closed.
    """
    pieces: list[tuple[str, str | None, int]] = []
    literal = ""
    at = 0
    while (mark := source.find("${", at)) >= 0:
        if mark > at and source[mark - 1] == "$":
            literal += source[at : mark - 1] + "${"
            at = mark + 2
            continue
        close = closing_brace(source, mark + 2)
        pieces.append((literal + source[at:mark], source[mark + 2 : close], mark + 2))
        literal = ""
        at = close + 1
    if literal or at < len(source) or not pieces:
        pieces.append((literal + source[at:], None, at))
    return pieces


def _compile(source: Any, place: Place, parts: _Parts) -> _Render:
    match source:
        case str() if "${" in source:
            return _compile_text(source, place, parts)
        case dict():
            return _fill(source, [(key, _compile(source[key], (*place, key), parts)) for key in _filled_in(source)])
        case list():
            items = [_compile(item, (*place, index), parts) for index, item in enumerate(source)]
            return lambda variables: [render(variables) for render in items]
        case _:
            return lambda _: source


def _filled_in(source: Mapping[str, Any]) -> list[str]:
    """The keys whose values are made anew each time: all but texts without ``${``, numbers and the like."""
    return [key for key, value in source.items() if isinstance(value, dict | list) or "${" in str(value)]


def _fill(source: Mapping[str, Any], entries: Sequence[tuple[str, _Render]]) -> _Render:
    if not entries:
        return lambda _: {**source}

    def render(variables: Mapping[str, Any]) -> dict[str, Any]:
        filled = {**source}
        for key, value_of in entries:
            filled[key] = value_of(variables)
        return filled

    return render


def _compile_text(source: str, place: Place, parts: _Parts) -> _Render:
    try:
        pieces = [(before, _compile_inner(inner, offset, parts)) for before, inner, offset in split_text(source)]
    except ExpressionSyntaxError as error:
        raise ExpressionSyntaxError(str(error), error.offset, error.fix, place) from error
    parts.places += [(place, it) for _, it in pieces if isinstance(it, Expression)]
    if any(isinstance(it, Secret) for _, it in pieces):
        parts.marked.append((place, pieces))
    keep_type = len(place) != 1 or place[0] not in parts.texts
    match pieces:
        case [("", Expression() as only)] if keep_type:
            return only.evaluate
        case _:
            return lambda variables: "".join(before + _filled(it, variables, source) for before, it in pieces)


def _compile_inner(text: str | None, offset: int, parts: _Parts) -> Expression | Secret | None:
    if text is None:
        return None
    if parts.secrets and (secret := secret_of(text)) is not None:
        return secret
    try:
        return compile_expression(text)
    except ExpressionSyntaxError as error:
        raise ExpressionSyntaxError(str(error), offset + error.offset, error.fix) from error


def _marks(place: Place, pieces: _Pieces, variables: Mapping[str, Any]) -> Iterator[Mark]:
    offset = 0
    for before, it in pieces:
        offset += len(before)
        if isinstance(it, Secret):
            yield Mark(place, offset, it.name)
        offset += len(_filled(it, variables, ""))


def _filled(expression: Expression | Secret | None, variables: Mapping[str, Any], source: str) -> str:
    if expression is None:
        return ""
    if isinstance(expression, Secret):
        return expression.text
    value = expression.evaluate(variables)
    if value is None:
        raise ExpressionError(f"Expected a value for '${{{expression.text}}}' in {quote(source)}, but it is null")
    return text_of(value)
