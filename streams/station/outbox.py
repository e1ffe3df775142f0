"""``station_outbox``: what is to go to Kafka, written in the transaction of what it tells."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
import msgspec

from streams.core.triggers.station import STATION_TOPIC
from streams.records import Headers
from streams.station.events import StationEvent

CHANNEL = "weir_station_outbox"
"""On which the database tells the relay that there is something."""

_PUT = """
    INSERT INTO station_outbox (topic, partition, key, value, headers)
    SELECT * FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[], $5::bytea[])
"""
_TELL = "SELECT pg_notify($1, '')"

_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]])


class Outgoing(NamedTuple):
    """A record; without ``partition`` it goes to that of its key."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


async def put_events(connection: asyncpg.Connection, events: Sequence[StationEvent]) -> None:
    """In their order."""
    await put(connection, [Outgoing(STATION_TOPIC, None, one.key.encode(), one.value()) for one in events])


async def put(connection: asyncpg.Connection, records: Sequence[Outgoing]) -> None:
    """They go out, in their order, when the transaction has committed."""
    if records:
        rows = [(*one[:4], msgspec.msgpack.encode(list(one.headers)) if one.headers else None) for one in records]
        await connection.execute(_PUT, *zip(*rows, strict=True))
        await connection.execute(_TELL, CHANNEL)


def outgoing(row: asyncpg.Record) -> Outgoing:
    """A row of the table."""
    headers = () if row["headers"] is None else _headers.decode(row["headers"])
    return Outgoing(row["topic"], row["partition"], row["key"], row["value"], headers)
