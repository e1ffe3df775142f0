"""Where the parts of a cell begin and end: commas, ``..`` and brackets, with texts left alone."""

import re
from collections.abc import Iterator

from streams.core.expressions.tokens import STRING

_MARK = re.compile(rf"(?:{STRING})|\.\.|[()\[\]{{}},]", re.DOTALL)
_OPENING, _CLOSING = "([{", ")]}"


def marks(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Each bracket, comma and ``..`` from ``start`` on: where, which, and how deep in brackets; a closing bracket is as
    deep as what it closes stands in, -1 for one that closes nothing.
    """
    depth = 0
    for match in _MARK.finditer(text, start):
        mark = match.group()
        if mark[0] in "'\"rR":
            continue
        depth -= mark in _CLOSING
        yield match.start(), mark, depth
        depth += mark in _OPENING


def end_of_test(text: str, start: int) -> int:
    """The comma that ends the test at ``start``, the bracket around it that closes, or the end."""
    for at, mark, depth in marks(text, start):
        if (mark == "," and depth == 0) or depth < 0:
            return at
    return len(text)


def interval(text: str, start: int) -> tuple[int, int] | None:
    """Of an interval that begins with the bracket at ``start``: where its ``..`` and its closing bracket are.

    ``None`` when it is none: a list or an expression in brackets.
    """
    dots = next((at for at, mark, depth in _inside(text, start) if mark == ".." and depth == 0), None)
    if dots is None:
        return None
    for at, mark, depth in marks(text, dots + 2):
        if depth < 0 or (mark == "[" and depth == 0 and _ends(text, at + 1)):
            return dots, at
    return None


def _inside(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    for at, mark, depth in marks(text, start + 1):
        if depth < 0 or (mark == "," and depth == 0):
            return
        yield at, mark, depth


def _ends(text: str, at: int) -> bool:
    """``a[0]`` goes on behind its bracket, ``]20..30[`` does not."""
    rest = text[at:].lstrip()
    return not rest or rest[0] in ",)"
