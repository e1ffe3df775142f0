"""Paths: where in a document a value stands.

``tags.device_id`` names the keys on the way.  A path that begins with ``$`` is the part of JSONPath (RFC 9535) that
selects one value: ``$.fields.temps[0]['flow-temp']``.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Literal

from streams.core.expressions.errors import ExpressionSyntaxError, quote

Steps = tuple[str | int, ...]


class Missing(Enum):
    """What a path yields when the document has nothing there; ``None`` would be a JSON null."""

    MISSING = "missing"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING

_PLAIN_KEY = re.compile(r"[^\s.\[\]$'\"]+")
_JSONPATH_STEP = re.compile(
    r"\.(?P<name>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)"
    r"|\[\s*(?P<index>-?(?:0|[1-9]\d{0,8}))\s*\]"
    r"|\[\s*(?:'(?P<single>[^'\\]*)'|\"(?P<double>[^\"\\]*)\")\s*\]"
)


class Path:
    """A compiled path; ``steps`` are keys (str) and list indices (int, negative from the end)."""

    __slots__ = ("steps", "text")

    def __init__(self, text: str, steps: Steps) -> None:
        self.text = text
        self.steps = steps

    def get(self, document: Any) -> Any:
        """The value in ``document``, or ``MISSING``."""
        return follow(document, self.steps)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def follow(document: Any, steps: Steps) -> Any:
    """The value at ``steps`` below ``document``, or ``MISSING``."""
    value = document
    for step in steps:
        if isinstance(step, str):
            if type(value) is not dict and not isinstance(value, Mapping):
                return MISSING
            value = value.get(step, MISSING)
            if value is MISSING:
                return MISSING
        else:
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return MISSING
            value = value[step]
    return value


def compile_path(text: str) -> Path:
    """Raises ``ExpressionSyntaxError`` when ``text`` is no path."""
    stripped = text.strip()
    return Path(stripped, _jsonpath(stripped) if stripped.startswith("$") else _plain(stripped))


def spell(steps: Steps) -> str:
    """``steps`` as people write them: ``fields.temps[0]['flow temp']``."""
    text = "".join(
        f".{step}" if _PLAIN_KEY.fullmatch(str(step)) and isinstance(step, str) else f"[{step!r}]" for step in steps
    )
    return text.removeprefix(".")


def _plain(text: str) -> Steps:
    keys = text.split(".")
    offset = 0
    for key in keys:
        if not _PLAIN_KEY.fullmatch(key):
            raise ExpressionSyntaxError(
                f"Expected a path such as 'tags.device_id', but got {quote(text)}",
                offset,
                "Write keys with dots between them, or JSONPath for anything else: $.fields['flow temp'][0]",
            )
        offset += len(key) + 1
    return tuple(keys)


def _jsonpath(text: str) -> Steps:
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        match = _JSONPATH_STEP.match(text, at)
        if match is None:
            raise ExpressionSyntaxError(
                f"Expected a JSONPath to one value, but got {quote(text)}, unclear from {text[at : at + 20]!r} on",
                at,
                "Steps are .key, ['key'] and [0]; wildcards, filters, slices and '..' select many values",
            )
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(next(key for key in match.group("name", "single", "double") if key is not None))
        at = match.end()
    return tuple(steps)
