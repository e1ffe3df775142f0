"""A body as it may be kept: without secrets, and without what is long."""

import re
from typing import Any

import msgspec

from streams.redaction import HIDDEN

MAX_TEXT = 500
"""Characters of a text."""
MAX_BYTES = 16_384
"""Of a body; of a longer one only its length is kept."""
MAX_DEPTH = 50
_NAMES = re.compile(r"passw|secret|token|authorization|api[-_]?key|credential|private[-_]?key", re.IGNORECASE)
_KEY = re.compile(r"weir_[0-9a-f]{12}_[A-Za-z0-9_-]{43}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*")
"""The gateway's own keys, and JWTs: wherever they stand."""
_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


def kept(body: bytes | None) -> msgspec.Raw | None:
    """``body`` as JSON; ``None`` for none."""
    if not body:
        return None
    try:
        raw = _encode(_without_secrets(_decode(body), MAX_DEPTH))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return msgspec.Raw(_encode({"unreadable_bytes": len(body)}))
    return msgspec.Raw(raw if len(raw) <= MAX_BYTES else _encode({"omitted_bytes": len(body)}))


def _without_secrets(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _cut(value)
    if depth == 0 and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        return {
            _cut(name): HIDDEN if _NAMES.search(name) else _without_secrets(one, depth - 1)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(one, depth - 1) for one in value]
    return value


def _cut(text: str) -> str:
    if "weir_" in text or "eyJ" in text:
        text = _KEY.sub(HIDDEN, text)
    if "\0" in text:  # the database cannot hold it
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters)"
