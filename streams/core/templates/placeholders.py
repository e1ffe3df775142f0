"""``{{ name }}`` in texts."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.document import Steps

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_OPENING = re.compile(r"(?<!\$)\{\{")
"""Of what may have been meant as a placeholder; ``${{"a": 1}}`` is an expression with a map."""


@dataclass(frozen=True, slots=True)
class Found:
    """A placeholder, or what is none although it looks like one (``name`` is ``None``); ``offset`` into the text."""

    steps: Steps
    offset: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Shift:
    """From ``at`` on in a filled text, ``back`` characters earlier is the same place in the template's."""

    at: int
    back: int


def placeholders(data: Any, steps: Steps = ()) -> Iterator[Found]:
    """All of them, in keys too, where there may be none: those have ``name`` ``None``."""
    if isinstance(data, dict):
        for key, value in data.items():
            if PLACEHOLDER.search(key):
                yield Found((*steps, key), -1, None)
            yield from placeholders(value, (*steps, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from placeholders(value, (*steps, index))
    elif isinstance(data, str):
        good = {match.start(): match[1] for match in PLACEHOLDER.finditer(data)}
        for offset in sorted({*good, *(match.start() for match in _OPENING.finditer(data))}):
            yield Found(steps, offset, good.get(offset))


def replaced(data: Any, values: Mapping[str, Any]) -> Any:
    """``data`` with every placeholder replaced."""
    if isinstance(data, dict):
        return {key: replaced(value, values) for key, value in data.items()}
    if isinstance(data, list):
        return [replaced(value, values) for value in data]
    return replaced_text(data, values) if isinstance(data, str) else data


def replaced_text(text: str, values: Mapping[str, Any]) -> Any:
    """A value of any type for a placeholder alone, else a text."""
    if whole := PLACEHOLDER.fullmatch(text.strip()):
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda match: shown(values[match[1]]), text)


def shifts(text: str, values: Mapping[str, Any]) -> list[Shift]:
    """How places in the filled text lie to places in ``text``; within a value, at its placeholder's beginning."""
    found, back = [], 0
    for match in PLACEHOLDER.finditer(text):
        filled = len(shown(values[match[1]]))
        start = match.start() + back
        found += [Shift(start + offset, back + offset) for offset in range(1, filled)]
        back += filled - len(match[0])
        found.append(Shift(start + filled, back))
    return found


def shown(value: Any) -> str:
    """A value within a text: texts as they are, all else as JSON, which CEL reads too; nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
