"""Dead letters: records that could not be used, kept raw on ``process-dead-letters`` with where they came from and
why.
"""

from dataclasses import dataclass, field
from typing import Self

from streams.core.durations import instant_text
from streams.records import Headers, Record

MAX_REASON = 4_000
MAX_VALUE_BYTES = 9 * 1024 * 1024
PARTITION = 0
RETRY_HEADER = "weir_retry_of"
"""On a record that was sent once more from its dead letter: it is a record of its own, of the same content."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record and its source.  ``topic`` may be another protocol's: ``mqtt:<topic>``, with partition and offset 0."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str
    role: str
    headers: Headers = field(default_factory=tuple)

    @classmethod
    def of(cls, record: Record, topic: str, partition: int, reason: str, role: str) -> Self:
        """The letter for a record that ``role`` has read from a partition of ``topic``."""
        return cls(topic, partition, record.offset, record.key, record.value, reason, role, record.headers)

    def record(self, now_ms: int) -> tuple[bytes | None, bytes | None, Headers]:
        """(key, value, headers) for the topic; the original headers follow ours.  ``now_ms`` is wall time.

        A value over nine megabytes is cut: the reason then says so.
        """
        value, reason = self.value, self.reason
        if value is not None and len(value) > MAX_VALUE_BYTES:
            reason = f"{reason} (cut from {len(value)} to {MAX_VALUE_BYTES} bytes)"
            value = value[:MAX_VALUE_BYTES]
        ours = {
            "weir_topic": self.topic,
            "weir_partition": str(self.partition),
            "weir_offset": str(self.offset),
            "weir_reason": reason[:MAX_REASON],
            "weir_role": self.role,
            "weir_time": instant_text(now_ms),
        }
        return self.key, value, [*((name, text.encode()) for name, text in ours.items()), *self.headers]
