"""The text of a definition as JSON values, with the line and column of every value.

YAML is read event by event (ruamel.yaml's parser), for two reasons: the position of each value comes along, and the
limits hold before anything is built.  Plain values mean what YAML 1.2's core schema says: ``on``, ``no`` and dates are
texts.  Tags, merge keys, several documents and keys that are no text are refused: nothing in a definition needs them.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NODES = 20_000

Steps = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_MAX_DIGITS = 100
_BLANK = " \t\n"
_ESCAPED_DIGITS = {"x": 2, "u": 4, "U": 8}
"""How many stand behind the character that a ``\\`` is before."""
UNWANTED = re.compile("[\x00\ud800-\udfff]")


class Mark(NamedTuple):
    """A place in the text, counted from 0; ``style`` is how a text is written: ``|``, ``>``, quotes, or nothing."""

    line: int
    column: int
    style: str = ""


class TextError(ValueError):
    """The text cannot be read any further."""

    def __init__(self, message: str, mark: Mark, fix: str = "") -> None:
        super().__init__(message)
        self.mark = mark
        self.fix = fix


@dataclass(slots=True)
class Document:
    """``data`` is the content; ``values`` and ``keys`` say where each value and each key of a mapping stands.

    ``repeated`` are keys that are there twice.
    """

    lines: list[str]
    data: Any = None
    values: dict[Steps, Mark] = field(default_factory=dict)
    keys: dict[Steps, Mark] = field(default_factory=dict)
    repeated: list[tuple[Steps, Mark]] = field(default_factory=list)

    def at(self, steps: Steps) -> Any:
        """The value there."""
        value = self.data
        for step in steps:
            value = value[step]
        return value

    def locate(self, steps: Steps, offset: int | None = None, *, key: bool = False) -> Mark:
        """Where the value at ``steps`` stands, or its key, or the nearest thing around it.

        ``offset`` counts characters into a text.
        """
        if key and steps in self.keys:
            return self.keys[steps]
        for length in range(len(steps), -1, -1):
            if (mark := self.values.get(steps[:length])) is not None:
                whole = length == len(steps)
                if whole and offset is not None:
                    return self._inside(mark, steps, offset)
                return mark if whole or steps[:length] not in self.keys else self.keys[steps[:length]]
        return Mark(0, 0)

    def _inside(self, mark: Mark, steps: Steps, offset: int) -> Mark:
        source = "\n".join(self.lines[mark.line :])
        at = _position(source, mark, str(self.at(steps)), offset)
        before = source[:at]
        line = mark.line + before.count("\n")
        return mark if at is None else Mark(line, at - before.rfind("\n") - 1)


def _position(source: str, mark: Mark, text: str, offset: int) -> int | None:
    """Where in ``source`` the character at ``offset`` of a text is written; ``None`` for what is written elsewhere.

    ``source`` begins with the line of ``mark``.  White space with a line's end in it stands for some of the text's own,
    whatever it is folded to; anything else for itself, but for quotes and escapes.
    """
    if mark.style in ("|", ">"):
        at, done = _blank_end(source, source.find("\n") % (len(source) + 1)), _blank_end(text, 0)
    else:
        at, done = mark.column + len(mark.style), 0
    while done < min(offset, len(text)):
        character = source[at : at + 1]
        if mark.style == '"' and character == "\\":
            escaped = source[at + 1 : at + 2]
            if escaped == "\n":
                at = _blank_end(source, at + 1)
            else:
                at, done = at + 2 + _ESCAPED_DIGITS.get(escaped, 0), done + 1
        elif character in _BLANK and "\n" in source[at : (end := _blank_end(source, at))]:
            at, done = end, _blank_end(text, done)
        elif character != text[done : done + 1]:
            return None
        else:
            at, done = at + (2 if mark.style == character == "'" else 1), done + 1
    return at


def _blank_end(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANK:
        at += 1
    return at


def read_yaml(text: str) -> Document:
    """Raises ``TextError``."""
    document = Document(text.splitlines() or [""])
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise TextError(f"Expected at most {MAX_BYTES:,} bytes", Mark(0, 0), "Split it into several definitions")
    if unwanted := UNWANTED.search(text):
        raise _unwanted(text, unwanted.start())
    try:
        _Builder(document, YAML(typ="safe", pure=True).parse(text)).build()
    except MarkedYAMLError as error:
        raise _syntax(error, document.lines) from error
    except YAMLError as error:
        position = getattr(error, "position", 0)
        raise _unwanted(text, position if isinstance(position, int) else 0) from error
    return document


class _Builder:
    def __init__(self, document: Document, events: Iterator[Event]) -> None:
        self._document = document
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def build(self) -> None:
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise TextError(
                        "Expected one definition, but got a second document",
                        _mark(event),
                        "Put each definition into a file of its own",
                    )
                self._document.data = self._value(next(self._events), ())

    def _value(self, event: Event, steps: Steps) -> Any:
        mark = _mark(event)
        self._document.values[steps] = mark
        self._count(1, mark)
        if len(steps) > MAX_DEPTH:
            raise TextError(f"Expected at most {MAX_DEPTH} levels", mark)
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise TextError(f"Unknown alias '*{event.anchor}'", mark, "Put a text that begins with '*' in quotes")
            value, nodes = self._anchors[event.anchor]
            self._count(nodes, mark)
            return value
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent)
        if event.tag is not None:
            tag = str(event.tag)
            raise TextError(
                f"Expected a plain value, but got the tag {tag!r}", mark, "Put a text that begins with '!' in quotes"
            )
        before = self._nodes
        if isinstance(event, MappingStartEvent):
            value = self._mapping(steps)
        elif isinstance(event, SequenceStartEvent):
            value = []
            while not isinstance(item := next(self._events), SequenceEndEvent):
                value.append(self._value(item, (*steps, len(value))))
        else:
            assert isinstance(event, ScalarEvent)
            value = plain_value(event.value) if event.implicit[0] else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._nodes - before
        return value

    def _mapping(self, steps: Steps) -> dict[str, Any]:
        content: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            mark = _mark(event)
            if not isinstance(event, ScalarEvent) or event.value == "<<":
                got = "'<<'" if isinstance(event, ScalarEvent) else "a list or a mapping"
                raise TextError(f"Expected a name as key, but got {got}", mark, "Write the fields out")
            key = (*steps, event.value)
            if event.value in content:
                self._document.repeated.append((key, mark))
            self._document.keys[key] = mark
            content[event.value] = self._value(next(self._events), key)
        return content

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise TextError(f"Expected at most {MAX_NODES:,} values", mark, "Split it into several definitions")


def unfit_values(data: Any) -> Iterator[tuple[Steps, str]]:
    """The values in ``data`` that no record may hold, or what makes it too large, each with a message."""
    nodes = 0
    ahead: list[tuple[Steps, Any]] = [((), data)]
    while ahead:
        steps, value = ahead.pop()
        nodes += 1
        if nodes > MAX_NODES or len(steps) > MAX_DEPTH:
            yield (), f"Expected at most {MAX_NODES:,} values and {MAX_DEPTH} levels"
            return
        if isinstance(value, dict):
            ahead += [((*steps, key), item) for key, item in value.items()]
            value = "".join(value)
        elif isinstance(value, list):
            ahead += [((*steps, index), item) for index, item in enumerate(value)]
        if isinstance(value, str) and UNWANTED.search(value):
            yield steps, "Expected texts without U+0000 and lone surrogates"
        elif isinstance(value, float) and not math.isfinite(value):
            yield steps, f"Expected a finite number, but got {value}"
        elif isinstance(value, int) and abs(value) >= 2**63:
            yield steps, f"Expected a number below 2^63, but got {value}"


def plain_value(text: str) -> Any:
    """What an unquoted text means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) <= _MAX_DIGITS:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _mark(event: Event) -> Mark:
    return Mark(event.start_mark.line, event.start_mark.column, getattr(event, "style", None) or "")


def _syntax(error: MarkedYAMLError, lines: list[str]) -> TextError:
    at = error.problem_mark or error.context_mark
    mark = Mark(0, 0) if at is None else Mark(min(at.line, len(lines) - 1), at.column)
    problem = (error.problem or "it cannot be read").replace("<stream end>", "end of the text")
    context = f" {error.context}" if error.context else ""
    line = lines[mark.line]
    if "\t" in line[: mark.column + 1]:
        fix = "Indent with spaces, not with tabs"
    elif "${" in line and "flow" in context:
        fix = "Within { } and [ ], put a text with ${…} in quotes"
    elif "mapping values" in problem:
        fix = "Put a text with ': ' in quotes, or check the indentation"
    else:
        fix = "Check the indentation, and put texts with special characters in quotes"
    return TextError(f"This is no YAML: {problem}{context}", mark, fix)


def _unwanted(text: str, position: int) -> TextError:
    before = text[:position]
    mark = Mark(before.count("\n"), len(before) - before.rfind("\n") - 1)
    character = f"U+{ord(text[position]):04X}" if position < len(text) else "a character"
    return TextError(f"Expected printable text, but got {character}", mark, "Remove the character")
