"""Bytes to records and back, and the limits that keep poison out.

Made once: msgspec's encoders and decoders of commands, events and state.  ``BadRecordError`` says why bytes from
outside are no record; ``LimitError`` says why a record of ours may not be written.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import orjson

from streams.core import commands, events, state
from streams.core.commands import TopicCommand
from streams.core.events import Event, EventHead
from streams.core.patterns.window import VERSION as WINDOW_VERSION
from streams.core.patterns.window import Window
from streams.core.state import BROKEN, Entity, Instance

MAX_COMMAND_BYTES = 256 * 1024
MAX_EVENT_BYTES = 64 * 1024
MAX_STATE_BYTES = 256 * 1024
MAX_TELEMETRY_BYTES = 256 * 1024
MAX_WINDOW_BYTES = 64 * 1024
MAX_DEPTH = 100
"""Objects and lists within each other.  orjson reads 1,024 levels and writes 254; what is let in must get out again."""
FAILURE_ROOM_BYTES = 20 * 1024
"""What a failed instance may have beyond ``MAX_STATE_BYTES``: the failure's text, or a full one could not even fail."""
MAX_TEXT = 4_000

_AnyEvent = TypeVar("_AnyEvent", Event, EventHead)


class _Version(msgspec.Struct):
    v: int


_BACKSLASH = ord("\\")  # as a number: bytes look for one byte in bytes seven times as long
_BRACE, _BRACKET = b"{["
_NUL = b"\\u0000"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""One that is never closed goes to the end, so that what is no JSON takes no longer than what is."""
_SURROGATE = re.compile(rb"\\u[dD][89abAB]")
_command_decoder = msgspec.json.Decoder(TopicCommand)
_event_decoder = msgspec.json.Decoder(Event)
_head_decoder = msgspec.json.Decoder(EventHead)
_entity_decoder = msgspec.msgpack.Decoder(Entity)
_window_decoder = msgspec.msgpack.Decoder(Window)
_json_encoder = msgspec.json.Encoder()
_entity_encoder = msgspec.msgpack.Encoder()
_entity_buffer = bytearray()
"""Entities are encoded here and copied out: the bytes that ``encode`` returns keep the room it had to spare, a third
more for as long as the table holds them."""

encode_json = _json_encoder.encode


class BadRecordError(ValueError):
    """Bytes from outside that are no record; the message names the place and what was expected."""


class LimitError(ValueError):
    """A record of ours that would be too large, or that holds a character which no database takes."""


class IntegerError(LimitError):
    """An integer that no state holds.  State being as it is, the command at hand must have brought it."""


class UpgradeError(Exception):
    """A record written by a newer Weir: this one must not guess what it means."""


def decode_command(raw: bytes | None) -> TopicCommand:
    """The command in a record of ``process-commands``.  Raises ``BadRecordError``."""
    checked = _checked(raw, MAX_COMMAND_BYTES, "a command")
    try:
        command: TopicCommand = _command_decoder.decode(checked)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(_explain(error, checked)) from None
    if command.v > commands.VERSION:
        raise BadRecordError(f"Expected a command of format v{commands.VERSION}, but got v{command.v}: upgrade Weir")
    return command


def decode_reading(raw: bytes | None) -> dict[str, Any]:
    """A telemetry record ``{"tags": {…}, "fields": {…}, "timestamp": …}``; more fields are kept.

    Raises ``BadRecordError``.
    """
    checked = _checked(raw, MAX_TELEMETRY_BYTES, "a reading")
    try:
        reading = orjson.loads(checked)
    except orjson.JSONDecodeError as error:
        raise BadRecordError(f"Expected a reading as JSON, but got: {error}") from None
    if not isinstance(reading, dict):
        raise BadRecordError(f"Expected a reading as a JSON object, but got {type(reading).__name__}")
    for part in ("tags", "fields"):
        if not isinstance(reading.get(part, {}), dict):
            raise BadRecordError(f"Expected an object in '{part}' of a reading, but got {type(reading[part]).__name__}")
    return reading


def encode_command(command: TopicCommand) -> bytes:
    """The bytes of a command.  Raises ``LimitError``."""
    return _limited(_json_encoder.encode(command), MAX_COMMAND_BYTES, command.__struct_config__.tag)


def encode_event(event: Event) -> bytes:
    """The bytes of an event.  Raises ``LimitError``."""
    raw = encode_json(event)
    if len(raw) > MAX_EVENT_BYTES or _BACKSLASH in raw:
        return _limited(raw, MAX_EVENT_BYTES, event.type, event.data.get("variables") or event.data)
    return raw


def decode_event(raw: bytes) -> Event:
    """An event of the log.  Raises ``UpgradeError`` for one that a newer Weir has written."""
    return _decode_event(raw, _event_decoder)


def decode_event_head(raw: bytes) -> EventHead:
    """An event of the log, its ``data`` undecoded.  Raises ``UpgradeError`` like ``decode_event``."""
    return _decode_event(raw, _head_decoder)


def _decode_event(raw: bytes, decoder: msgspec.json.Decoder[_AnyEvent]) -> _AnyEvent:
    try:
        event = decoder.decode(raw)
    except msgspec.ValidationError:  # a newer format may have another shape: then that is what to tell
        written_by = msgspec.json.decode(raw, type=_Version).v
        if written_by <= events.VERSION:
            raise
        raise UpgradeError(f"An event has format v{written_by}: upgrade this Weir to read it") from None
    if event.v > events.VERSION:
        raise UpgradeError(f"Event {event.subject}/{event.seq} has format v{event.v}: upgrade this Weir to read it")
    return event


def encode_entity(entity: Entity) -> bytes:
    """The table record of an entity.  Raises ``LimitError``, ``IntegerError``."""
    try:
        _entity_encoder.encode_into(entity, _entity_buffer)
    except OverflowError:
        raise IntegerError("Expected integers of at most 64 bits in state") from None
    if len(_entity_buffer) > MAX_STATE_BYTES:
        _check_room(entity, len(_entity_buffer))
    return bytes(_entity_buffer)


def _check_room(entity: Entity, size: int) -> None:
    failed = isinstance(entity, Instance) and entity.status in BROKEN
    if size > MAX_STATE_BYTES + failed * FAILURE_ROOM_BYTES:
        variables = entity.variables if isinstance(entity, Instance) else None
        raise LimitError(_too_large("state", MAX_STATE_BYTES, size, variables))


def decode_entity(raw: bytes) -> Entity:
    """An entity from its table record.  Raises ``UpgradeError`` for one that a newer Weir has written."""
    entity: Entity = _entity_decoder.decode(raw)
    if entity.v > state.VERSION:
        raise UpgradeError(f"A {type(entity).__name__} record has format v{entity.v}: upgrade this Weir to read it")
    return entity


def encode_window(window: Window) -> bytes:
    """The table record of a window.  Raises ``LimitError``."""
    try:
        raw = _entity_encoder.encode(window)
    except OverflowError:
        raise IntegerError("Expected integers of at most 64 bits in what a pattern keeps") from None
    if len(raw) > MAX_WINDOW_BYTES:
        raise LimitError(f"Expected at most {MAX_WINDOW_BYTES} bytes of what a pattern keeps, but got {len(raw)}")
    return raw


def decode_window(raw: bytes) -> Window:
    """A window from its table record.  Raises ``UpgradeError`` for one that a newer Weir has written."""
    window: Window = _window_decoder.decode(raw)
    if window.v > WINDOW_VERSION:
        raise UpgradeError(f"A pattern's window has format v{window.v}: upgrade this Weir to read it")
    return window


def _checked(raw: bytes | None, limit: int, what: str) -> bytes:
    if not raw:
        raise BadRecordError(f"Expected {what} as a JSON object, but got an empty record")
    if len(raw) > limit:
        raise BadRecordError(_too_large(what, limit, len(raw)))
    if _BACKSLASH in raw and _has_nul(raw):
        raise BadRecordError(f"Expected {what} without the character U+0000, which no database can store")
    if len(raw) > 2 * MAX_DEPTH and raw.count(_BRACE) + raw.count(_BRACKET) > MAX_DEPTH < (depth := _depth(raw)):
        raise BadRecordError(f"Expected {what} with at most {MAX_DEPTH} levels of objects and lists, but got {depth}")
    return raw


def _limited(raw: bytes, limit: int, what: object, values: Mapping[str, Any] | None = None) -> bytes:
    if len(raw) > limit:
        raise LimitError(_too_large(what, limit, len(raw), values))
    if _has_nul(raw):
        raise LimitError(f"Expected {what} without the character U+0000, which no database can store")
    return raw


def _too_large(what: object, limit: int, size: int, values: Mapping[str, Any] | None = None) -> str:
    """In words; with the one of ``values`` that takes the most room, where there are any."""
    message = f"Expected {what} of at most {limit} bytes, but got {size}"
    if not values:
        return message
    sizes = {name: len(encode_json(value)) for name, value in values.items()}
    name = max(sizes, key=sizes.__getitem__)
    return (
        f"{message}: {plain_text(name)!r} alone has {sizes[name]}. Keep less in it, or a reference to where it is kept"
    )


def _depth(raw: bytes) -> int:
    """How many objects and lists stand within each other; of what is no JSON, at least as many as a parser enters."""
    deepest = depth = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _has_nul(raw: bytes) -> bool:
    """Whether there is an escaped U+0000 that is really one: behind an odd number of backslashes it is text."""
    at = raw.find(_NUL)
    while at >= 0:
        first = at
        while first > 0 and raw[first - 1] == _BACKSLASH:
            first -= 1
        if (at - first) % 2 == 0:
            return True
        at = raw.find(_NUL, at + 1)
    return False


def _explain(error: Exception, raw: bytes) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"Not a command: {error}"
    if _SURROGATE.search(raw):
        return "Not JSON: a string holds half of a surrogate pair"
    return f"Not JSON: {error or type(error).__name__}"


def plain_text(text: str) -> str:
    """``text`` as every record may hold it: an error's text comes from anywhere, and may be of any length."""
    return text.replace("\0", "").encode(errors="replace").decode()[:MAX_TEXT]
