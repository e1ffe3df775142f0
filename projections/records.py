"""What the projector is given: batches of records of one partition, as ``streams.transport`` hands them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.records import Record
from streams.transport.port import TopicPartition


class Batch(Protocol):
    """Records of one partition in the order of their offsets: all that the log holds in ``[start, end)``.

    Offsets missing in between are transaction markers, aborted or compacted records.
    """

    @property
    def tp(self) -> TopicPartition: ...
    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that no table takes, and why."""

    record: Record
    reason: str
