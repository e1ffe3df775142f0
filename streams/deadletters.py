"""Dead letters: records that could not be used, kept raw on ``process-dead-letters`` with where they came from and
why.

Our headers come first, beginning with ``SOURCE_HEADER``; the original ones follow, whatever they are named.  So of two
with the same name the first is ours.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from streams.core.durations import instant_text
from streams.records import Headers, Record
from streams.retries import Retry, arrived_ms

MAX_REASON = 4_000
MAX_BYTES = 9 * 1024 * 1024
PARTITION = 0
SOURCE_HEADER = "weir_topic"
FATE_HEADER = "weir_fate"
"""The first header of a record that tells what became of a letter: ``retried`` or ``dropped``."""
OURS = frozenset(
    {
        SOURCE_HEADER,
        "weir_partition",
        "weir_offset",
        "weir_reason",
        "weir_role",
        "weir_time",
        "weir_arrived",
        "weir_definitions",
        "weir_cut",
    }
)
MQTT = "mqtt:"
"""Begins the ``topic`` of a letter that came over MQTT."""


class Source(NamedTuple):
    """Where a letter's record stands, or stood."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record and its source.  ``topic`` may be another protocol's: ``mqtt:<topic>``, with partition and offset 0.

    ``arrived_ms`` is when the record arrived, Unix ms; without it, that is when the letter was written.
    ``definitions`` are those that failed, where others have used the record.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str
    role: str
    headers: Headers = field(default_factory=tuple)
    arrived_ms: int | None = None
    definitions: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, record: Record, topic: str, partition: int, reason: str, role: str, definitions: tuple[str, ...] = ()
    ) -> Self:
        """The letter for a record that ``role`` has read from a partition of ``topic``."""
        headers = tuple(record.headers)
        arrived = arrived_ms(record, Retry.of(headers))
        return cls(
            topic, partition, record.offset, record.key, record.value, reason, role, headers, arrived, definitions
        )

    def record(self, now_ms: int) -> tuple[bytes | None, bytes | None, Headers]:
        """(key, value, headers) for the topic; the original headers follow ours.  ``now_ms`` is wall time.

        A value that does not fit into nine megabytes beside key and headers is cut: the reason then says so.
        """
        value, reason = self.value, self.reason
        named = {
            SOURCE_HEADER: self.topic,
            "weir_partition": str(self.partition),
            "weir_offset": str(self.offset),
            "weir_reason": reason[:MAX_REASON],
            "weir_role": self.role,
            "weir_time": instant_text(now_ms),
            "weir_arrived": str(now_ms if self.arrived_ms is None else self.arrived_ms),
            "weir_definitions": " ".join(self.definitions),
            "weir_cut": "",  # all of them, always: so the record's own headers cannot be taken for ours
        }
        beside = len(self.key or b"") + sum(len(name) + len(content or b"") for name, content in self.headers)
        room = max(0, MAX_BYTES - beside)
        if value is not None and len(value) > room:
            named["weir_reason"] = f"{reason[:MAX_REASON]} (cut from {len(value)} to {room} bytes)"
            named["weir_cut"] = str(len(value))
            value = value[:room]
        encoded = ((name, text.encode(errors="replace")) for name, text in named.items())
        return self.key, value, [*encoded, *self.headers]


def is_fate(headers: Headers) -> bool:
    """Whether a record on the topic tells what became of a letter."""
    return bool(headers) and headers[0][0] == FATE_HEADER


def ours(headers: Headers) -> dict[str, str]:
    """Our headers of a record on the topic by name, empty when it is no letter; the original ones are not in it."""
    if not headers or headers[0][0] != SOURCE_HEADER:
        return {}
    found: dict[str, str] = {}
    for name, content in headers:
        if name not in OURS or name in found:  # behind ours begins what the record had
            break
        found[name] = (content or b"").decode(errors="replace")
    return found


def reason_of(headers: Headers) -> str:
    """Why a record became a letter; empty where it does not say, as anybody may write to the topic."""
    return ours(headers).get("weir_reason", "")


def source_of(headers: Headers) -> Source | None:
    """Where the letter's record came from; ``None`` for a record that is no letter."""
    found = ours(headers)
    partition, offset = found.get("weir_partition", ""), found.get("weir_offset", "")
    if not (partition.isdecimal() and offset.isdecimal()):
        return None
    return Source(found[SOURCE_HEADER], int(partition), int(offset))
