"""What a kind of topic is to the projector."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from projections.records import Refused
from streams.core.clock import PlantClock
from streams.records import Record
from streams.transport.port import TopicPartition

FeedName = Literal["events", "definitions", "telemetry", "audit"]


@dataclass
class Decoded:
    """A batch, decoded: ``items[i]`` came from ``records[i]``; records that concern no table are in neither list."""

    items: list[Any] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True)
class Feed:
    """``decode`` is pure.  ``truth``: Weir wrote these records and everything follows from them, so one that cannot be
    projected stops the projector (``decode`` raises ``BrokenRecordError``); otherwise it goes to the dead letters.
    """

    name: FeedName
    truth: bool
    decode: Callable[[TopicPartition, Sequence[Record], PlantClock], Decoded]


def place(tp: TopicPartition, record: Record) -> str:
    """Where a record is, for messages."""
    return f"{tp.topic}/{tp.partition} offset {record.offset}"
