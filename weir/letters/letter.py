"""A record of ``process-dead-letters``: a letter, or the fate of one.

A fate has one header, ``weir_fate``, and the JSON of ``Fate`` as its value.  It is committed with what it tells of.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from streams.core.durations import parse_instant_ms
from streams.deadletters import FATE_HEADER, Source, is_fate, ours, source_of
from streams.records import Headers, Record
from streams.retries import RETRY_HEADER
from streams.transport.port import Message

VERSION = 1
What = Literal["retried", "dropped"]


class Place(NamedTuple):
    """Where a letter stands; its text names it to people."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """``<partition>:<offset>``; the offset alone is of partition 0.  Raises ``ValueError``."""
        partition, colon, offset = text.rpartition(":")
        if not offset.isdecimal() or not (partition.isdecimal() if colon else not partition):
            raise ValueError(f"Expected a letter as <partition>:<offset>, such as 0:17, but got {text[:80]!r}")
        return cls(int(partition or 0), int(offset))


class Fate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a letter: who did it, why, and when (RFC 3339, wall time); ``to`` are topics, for a retry."""

    v: int = VERSION
    letter: str
    what: What
    by: str
    time: str
    why: str = ""
    to: list[str] = []

    def record(self) -> Message:
        """The record that tells it."""
        return self.letter.encode(), msgspec.json.encode(self), [(FATE_HEADER, self.what.encode())]


_decode_fate = msgspec.json.Decoder(Fate).decode


@dataclass(frozen=True)
class Letter:
    """``source`` is ``None`` for a record that nobody of Weir has written.

    ``time`` is when it was written and ``arrived_ms`` (Unix ms) when its record arrived, both of wall time.  ``cut`` is
    the size that its value had, when it was too large.  ``headers`` are the original ones.  ``size`` is of the value,
    in bytes; it stays where ``value`` was left out.
    """

    place: Place
    source: Source | None
    key: bytes | None
    value: bytes | None
    size: int
    reason: str = ""
    role: str = ""
    time: str = ""
    arrived_ms: int | None = None
    definitions: tuple[str, ...] = ()
    cut: int | None = None
    headers: Headers = field(default_factory=tuple)
    fate: Fate | None = None

    @property
    def time_ms(self) -> int:
        """``time`` in Unix ms; 0 where there is none."""
        try:
            return parse_instant_ms(self.time)
        except ValueError:
            return 0

    @property
    def retry_of(self) -> str | None:
        """The letter whose retry has ended here."""
        return next(
            ((value or b"").decode(errors="replace") for name, value in self.headers if name == RETRY_HEADER), None
        )


def read_record(partition: int, record: Record) -> Letter | Fate | None:
    """A letter or a fate; ``None`` for a fate that nobody of Weir has written."""
    if is_fate(record.headers):
        try:
            return _decode_fate(record.value or b"")
        except msgspec.MsgspecError:
            return None
    found = ours(record.headers)
    return Letter(
        place=Place(partition, record.offset),
        source=source_of(record.headers),
        key=record.key,
        value=record.value,
        size=len(record.value or b""),
        reason=found.get("weir_reason", ""),
        role=found.get("weir_role", ""),
        time=found.get("weir_time", ""),
        arrived_ms=int(found["weir_arrived"]) if found.get("weir_arrived", "").isdecimal() else None,
        definitions=tuple(found.get("weir_definitions", "").split()),
        cut=int(found["weir_cut"]) if found.get("weir_cut", "").isdecimal() else None,
        headers=tuple(record.headers[len(found) :]),
    )
