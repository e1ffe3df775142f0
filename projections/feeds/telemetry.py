"""Telemetry topics → readings.

Anyone may write to these topics, so a record that is no reading is refused, not fatal.  A reading's time is the
device's own when it can be one; a device without a clock, or with a wrong one, gets the time of arrival.  Both are
functions of the record alone: a replay gives the same rows.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from projections.binary_copy import EPOCH_UNIX_US
from projections.feeds.base import Decoded, Feed
from projections.records import Refused
from streams.codec import BadRecordError, decode_reading
from streams.core.clock import PlantClock
from streams.core.device_time import plausible_us
from streams.records import Record
from streams.retries import Retry, arrived_ms
from streams.transport.port import TopicPartition

ROLE = "projector"
_LAST_MS = 253_402_300_799_000  # year 9999


class Reading(NamedTuple):
    """One reading; times in microseconds since 2000-01-01 of plant time, ``tags`` and ``fields`` as JSON."""

    time_us: int
    arrived_us: int
    topic: str
    partition: int
    offset: int
    device_id: str | None
    tags: bytes
    fields: bytes


def decode(tp: TopicPartition, records: Sequence[Record], clock: PlantClock) -> Decoded:
    """Readings in order, and what is none."""
    decoded = Decoded()
    topic, partition = tp.topic, tp.partition
    for record in records:
        retry = Retry.of(record.headers) if record.headers else None
        if retry is not None and not retry.concerns(ROLE):
            continue
        try:
            reading = decode_reading(record.value)
            arrived = _arrived_us(record, retry, clock)
        except BadRecordError as error:
            decoded.refused.append(Refused(record, str(error)))
            continue
        tags = reading.get("tags", {})
        decoded.items.append(
            Reading(
                (plausible_us(reading.get("timestamp"), arrived) or arrived) - EPOCH_UNIX_US,
                arrived - EPOCH_UNIX_US,
                topic,
                partition,
                record.offset,
                _device_id(tags.get("device_id")),
                orjson.dumps(tags),
                orjson.dumps(reading.get("fields", {})),
            )
        )
        decoded.records.append(record)
    return decoded


def _arrived_us(record: Record, retry: Retry | None, clock: PlantClock) -> int:
    if record.timestamp is None or not 0 < record.timestamp < _LAST_MS:
        raise BadRecordError(f"Expected a record with the time it was written, in Unix ms, but got {record.timestamp}")
    arrived = clock.plant_ms(arrived_ms(record, retry))
    if not 0 < arrived < _LAST_MS:
        raise BadRecordError(f"Expected a record in the plant's years 1970 to 9999, but it came at {arrived} ms")
    return arrived * 1000


def _device_id(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return orjson.dumps(value).decode()
    return None


FEED = Feed("telemetry", truth=False, decode=decode)
