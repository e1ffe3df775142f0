"""A record as batches have it, whatever broker stands behind."""

from collections.abc import Sequence
from typing import Protocol

Headers = Sequence[tuple[str, bytes | None]]
"""A header's value may be absent; its name is text, whatever its bytes were (``kafka_records.py``)."""
IDEMPOTENCY_KEY = "idempotency-key"
"""A header: what may come twice has the same both times."""


class Record(Protocol):
    """A record as read; what aiokafka's parser makes is one as it stands, so nothing is copied on the hot path.

    ``timestamp`` is in Unix milliseconds: LogAppendTime on Weir's own topics, arrival on telemetry topics.
    """

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
