"""Telemetry topics → readings.

Anyone may write to these topics, so a record that is no reading is refused, not fatal.  A reading's time is the
device's own when it can be one; a device without a clock, or with a wrong one, gets the time of arrival.  Both are
functions of the record alone: a replay gives the same rows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from projections.binary_copy import EPOCH_UNIX_US
from projections.feeds.base import Decoded, Feed
from projections.records import Refused
from streams.codec import BadRecordError, decode_reading
from streams.core.clock import PlantClock
from streams.records import Record
from streams.transport.port import TopicPartition

EARLIEST_US = 978_307_200_000_000
"""2001-01-01 in Unix microseconds: clocks that were never set begin at 1970 or 2000."""
AHEAD_US = 86_400_000_000
"""How far a device may be ahead of the record's arrival, in microseconds: a day, for local time sent as UTC."""

_MILLISECONDS_FROM = 1e11
_LAST_MS = 253_402_300_799_000  # year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
        try:
            reading = decode_reading(record.value)
            arrived = _arrived_us(record, clock)
        except BadRecordError as error:
            decoded.refused.append(Refused(record, str(error)))
            continue
        tags = reading.get("tags", {})
        decoded.items.append(
            Reading(
                _time_us(reading.get("timestamp"), arrived) - EPOCH_UNIX_US,
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


def device_us(timestamp: Any) -> int | None:
    """A device's ``timestamp`` in Unix microseconds: RFC 3339 text (UTC without a zone), seconds or milliseconds."""
    try:
        if isinstance(timestamp, str):
            moment = datetime.fromisoformat(timestamp)
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
        if isinstance(timestamp, int | float) and not isinstance(timestamp, bool):
            return round(timestamp * (1_000_000 if abs(timestamp) < _MILLISECONDS_FROM else 1_000))
    except (ValueError, OverflowError):
        return None
    return None


def _time_us(timestamp: Any, arrived: int) -> int:
    us = device_us(timestamp)
    return arrived if us is None or not EARLIEST_US <= us <= arrived + AHEAD_US else us


def _arrived_us(record: Record, clock: PlantClock) -> int:
    if record.timestamp is None or not 0 < record.timestamp < _LAST_MS:
        raise BadRecordError(f"Expected a record with the time it was written, in Unix ms, but got {record.timestamp}")
    arrived = clock.plant_ms(record.timestamp)
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
