"""Expression text cut into tokens, and the ``${…}`` marks around expressions found.

Strings come first everywhere, so that a brace, an operator or a digit inside of one is left alone.
"""

import re
from typing import NamedTuple

from streams.core.expressions.errors import ExpressionSyntaxError

_STRING = r'[rR]?(?:"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\')'
_RAW_STRING = r'[rR](?:"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"[^"\n]*"|\'[^\'\n]*\')'
_TOKEN = re.compile(
    rf"(?P<space>\s+|//[^\n]*)"
    rf"|(?P<string>{_RAW_STRING}|{_STRING})"
    r"|(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<int>(?:0[xX][0-9a-fA-F]+|\d+)[uU]?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|[<>+\-*/%!?:()\[\]{},.])",
    re.DOTALL,
)
_STRING_OR_BRACE = re.compile(rf"{_RAW_STRING}|{_STRING}|[{{}}]", re.DOTALL)
_STRING_OR_MARK = re.compile(rf"{_RAW_STRING}|{_STRING}|\$\{{", re.DOTALL)
_PLAIN_PATH = re.compile(r"\s*[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*\s*", re.ASCII)

_ADVICE = {
    "=": "Write '==' to compare",
    "&": "Write '&&' for 'and'",
    "|": "Write '||' for 'or'",
    "'": "Close the text with the same quote that opens it",
    '"': "Close the text with the same quote that opens it",
    "$": "Write a variable as its name or as ${name}",
}


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
                f"Expected an expression, but got {character!r} in {text!r}", at, _ADVICE.get(character, "")
            )
        kind = match.lastgroup
        assert kind is not None
        if kind != "space":
            tokens.append(Token(kind, match.group(), at, match.end()))
        at = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


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
        f"Expected '}}' after '${{' in {text!r}", start - 2, "Close it: ${name}; or write '$${' for the characters '${'"
    )


def bare(text: str) -> str:
    """``text`` with every ``${x}`` outside of strings written as ``x``; both spellings mean the same.

    Raises ``ExpressionSyntaxError`` when a ``${`` is not closed.
    """
    parts: list[str] = []
    at = 0
    while mark := _next_mark(text, at):
        close = closing_brace(text, mark.end())
        inner = text[mark.end() : close]
        whole = not text[: mark.start()].strip() and not text[close + 1 :].strip()
        parts += text[at : mark.start()], inner.strip() if whole or _PLAIN_PATH.fullmatch(inner) else f"({inner})"
        at = close + 1
    return "".join([*parts, text[at:]]).strip()


def _next_mark(text: str, start: int) -> re.Match[str] | None:
    return next((match for match in _STRING_OR_MARK.finditer(text, start) if match.group() == "${"), None)
