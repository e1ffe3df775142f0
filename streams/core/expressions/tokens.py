"""Expression text cut into tokens, and the ``${…}`` marks around expressions found.

Strings come first everywhere, so that a brace, an operator or a digit inside of one is left alone.
"""

import re
from typing import NamedTuple

from streams.core.expressions.errors import ExpressionSyntaxError, quote

_RAW_STRING = r'[rR](?:"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"[^"\n]*"|\'[^\'\n]*\')'
_ESCAPED_STRING = r'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
STRING = rf"{_RAW_STRING}|{_ESCAPED_STRING}"
_TOKEN = re.compile(
    rf"(?P<space>\s+|//[^\n]*)"
    rf"|(?P<string>{STRING})"
    r"|(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<int>(?:0x[0-9a-fA-F]+|\d+)[uU]?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|[<>+\-*/%!?:()\[\]{},.])",
    re.DOTALL | re.ASCII,
)
_STRING_OR_BRACE = re.compile(rf"{STRING}|[{{}}]", re.DOTALL)
_STRING_OR_MARK = re.compile(rf"{STRING}|//[^\n]*|\$\{{", re.DOTALL)
_PLAIN_PATH = re.compile(r"\s*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\s*", re.ASCII)

ADVICE = {
    "=": "Write '==' to compare",
    "&": "Write '&&' for 'and'",
    "|": "Write '||' for 'or'",
    "'": "Close the text with the same quote that opens it",
    '"': "Close the text with the same quote that opens it",
    "$": "Write a variable as its name or as ${name}",
    "and": "Write '&&'",
    "AND": "Write '&&'",
    "or": "Write '||'",
    "OR": "Write '||'",
    "not": "Write '!'",
    "NOT": "Write '!'",
    "is": "Write '=='",
}
"""What people of other languages write, and what it is here."""


class Token(NamedTuple):
    """``kind`` is string, float, int, name, op or end; ``start`` and ``end`` count characters of the text."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """All tokens of ``text`` without spaces and comments, and one of kind ``end``.

    Raises ``ExpressionSyntaxError`` at the first character that begins no token.
    """
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            character = text[at]
            raise ExpressionSyntaxError(
                f"Expected an expression, but got {character!r} in {quote(text)}", at, ADVICE.get(character, "")
            )
        kind = match.lastgroup
        assert kind is not None
        if kind != "space":
            tokens.append(Token(kind, match.group(), at, match.end()))
        at = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


class Cursor:
    """Walks over the tokens of a text; the base of the parser."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._at = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    @property
    def _end(self) -> int:
        """Where the last token taken ends."""
        return self._tokens[self._at - 1].end

    def _take(self) -> Token:
        """The token, of any kind but ``end``."""
        token = self._token
        if token.kind == "end":
            raise self._unexpected()
        self._at += 1
        return token

    def _accept(self, text: str) -> bool:
        """Take the operator ``text`` if it is next."""
        if self._token.kind == "op" and self._token.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected(f"{text!r}")

    def _unexpected(self, wanted: str = "") -> ExpressionSyntaxError:
        token = self._token
        if token.kind == "end":
            return self._error(f"Expected {wanted or 'a value'} at the end")
        wanted = wanted or ("an operator or the end" if self._at else "a value")
        return self._error(f"Expected {wanted}, but got {token.text!r}", ADVICE.get(token.text, ""))

    def _error(self, message: str, fix: str = "", at: int | None = None) -> ExpressionSyntaxError:
        offset = self._token.start if at is None else at
        return ExpressionSyntaxError(f"{message} in {quote(self._text)}", offset, fix)


def closing_brace(text: str, start: int) -> int:
    """The index of the ``}`` that closes a ``${`` whose content begins at ``start``.

    Raises ``ExpressionSyntaxError`` when nothing closes it.
    """
    depth = 1
    for match in _STRING_OR_BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.start()
    raise ExpressionSyntaxError(
        f"Expected '}}' after '${{' in {quote(text)}",
        start - 2,
        "Close it: ${name}; or write '$${' for the characters '${'",
    )


def bare(text: str) -> tuple[str, list[int]]:
    """``text`` with every ``${x}`` outside of strings written as ``x``; both spellings mean the same.

    With it, for each of its characters and its end, where in ``text`` that comes from.  Raises
    ``ExpressionSyntaxError`` when a ``${`` is not closed.
    """
    whole = text.strip()
    if whole.startswith("${") and _next_mark(whole, 0) == 0 and closing_brace(whole, 2) == len(whole) - 1:
        start, end = text.index("${") + 2, text.rindex("}")
        return _stripped(text[start:end], list(range(start, end + 1)))
    result, places = "", list[int]()
    at = 0
    while (mark := _next_mark(text, at)) is not None:
        close = closing_brace(text, mark + 2)
        inner = text[mark + 2 : close]
        plain = _PLAIN_PATH.fullmatch(inner) is not None
        result += text[at:mark] + (inner if plain else f"({inner})")
        places += (
            [*range(at, mark), *range(mark + 2, close)] if plain else [*range(at, mark), *range(mark + 1, close + 1)]
        )
        at = close + 1
    return _stripped(result + text[at:], [*places, *range(at, len(text) + 1)])


def _stripped(text: str, places: list[int]) -> tuple[str, list[int]]:
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    return stripped, places[start : start + len(stripped) + 1]


def _next_mark(text: str, start: int) -> int | None:
    return next((match.start() for match in _STRING_OR_MARK.finditer(text, start) if match.group() == "${"), None)
