"""One text for each JSON value, so that values can be hashed and compared wherever they were kept.

PostgreSQL's ``jsonb`` orders keys anew and writes numbers in full (1e22 as 1 and 22 zeros), msgspec writes them short,
and neither makes a difference.  ``true`` and 1 do differ, and so do 1 and 1.0: both sides keep them apart.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

_SPELT_OTHERWISE = re.compile(rb"[:,\[](?:-?\d+(?:\.\d+)?[eE]|-0\.0[,}\]])")
"""A number that PostgreSQL may spell in another way: with an exponent, or minus zero."""
_MAX_SHOWN = 160
_pack = msgspec.msgpack.Encoder().encode


def canonical(value: Any) -> bytes:
    """The text of a JSON object or array."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits
        text = b"[1e"
    if _SPELT_OTHERWISE.search(text):
        return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return text


def _whole(value: Any) -> Any:
    """``value`` with floats that are integers, as jsonb would give them back."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value))) if "e" in repr(value) else value or 0.0
    return value


def digest(parts: tuple[Any, ...]) -> int:
    """128 bits of what msgpack can hold: text, bytes, numbers, aware datetimes, ``None``."""
    return int.from_bytes(blake2b(_pack(parts), digest_size=16).digest(), "big")


def differing(expected: Mapping[str, Any], found: Mapping[str, Any], into: str = "") -> Iterator[tuple[str, str, str]]:
    """(field, expected, found) of each field that differs, the two values as text; objects are looked into."""
    for name in sorted({*expected, *found}):
        one, other = expected.get(name, _NOTHING), found.get(name, _NOTHING)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differing(one, other, f"{into}{name}.")
        elif (one is _NOTHING) != (other is _NOTHING) or (one is not _NOTHING and _text(one) != _text(other)):
            yield f"{into}{name}", _shown(one), _shown(other)


class _Nothing:
    """In place of a field that is not there."""


_NOTHING = _Nothing()


def _text(value: Any) -> bytes:
    return canonical([value])


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = _text(value)[1:-1].decode()
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}… ({len(text)} characters)"
