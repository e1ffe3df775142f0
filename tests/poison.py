"""Records that no role can use, each with what its dead letter must say: one list for every role that reads JSON."""

from typing import NamedTuple

LEVELS = 300
"""More than what a JSON encoder writes, fewer than what the parser reads."""


class Poison(NamedTuple):
    """``value`` is a template: ``@`` stands where a reading or a command has a value of its own."""

    name: str
    value: bytes | None
    told: str


def nested(levels: int) -> bytes:
    """An object within an object within …"""
    return b'{"a":' * levels + b"1" + b"}" * levels


VALUES = [
    Poison("U+0000", rb'"\u0000"', "U+0000"),
    Poison("half a surrogate pair", rb'"\ud800"', "surrogate"),
    Poison("a surrogate as bytes", b'"\xed\xa0\x80"', "JSON"),
    Poison("no UTF-8", b'"\xff"', "JSON"),
    Poison("beyond a double", b"1e999", "JSON|out of range"),
    Poison("minus infinity", b"-1e999", "JSON|out of range"),
    Poison("no number", b"NaN", "JSON"),
    Poison("six thousand digits", b"9" * 6_000, "JSON|out of range"),
    Poison("three hundred levels", nested(LEVELS), "at most 100 levels"),
    Poison("deeper than a parser goes", nested(30_000), "at most 100 levels"),
    Poison("an open string full of quotes", b"[" * 101 + b'"' + b'\\"' * 100_000, "at most 100 levels"),
    Poison("a tail", b"1}}}", "JSON"),
    Poison("too large", b'"' + b"x" * 300_000 + b'"', "at most 262144 bytes"),
]
"""Values within a record."""

RECORDS = [
    Poison("a tombstone", None, "empty record"),
    Poison("nothing", b"", "empty record"),
    Poison("half of JSON", b"{", "JSON"),
    Poison("binary", bytes(range(256)), "JSON"),
    Poison("null", b"null", "object"),
    Poison("a list", b"[]", "object"),
]
"""Whole records."""


def poison(template: bytes) -> list[Poison]:
    """All of it; ``template`` is a record with ``@`` where a value goes."""
    within = [one._replace(value=template.replace(b"@", one.value or b"")) for one in VALUES]
    return [*RECORDS, *within]


HEADERS = (
    ("no-value", None),
    ("weir_hops", b"9" * 5_000),
    ("weir_hops", None),
    ("weir_from", b"7:7"),
    ("weir_topic", b"not-yours"),
    ("weir_partition", b"x"),
    ("weir_offset", None),
    ("weir_retry_of", b"\xff"),
    ("weir_arrived", b"9" * 5_000),
    ("weir_fate", b"dropped"),
)
"""Headers that anyone may write."""
KEYS = (None, b"", b"\xff\xfe", b"\0", b"k" * 10_000)
