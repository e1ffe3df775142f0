"""One step of an engine, as the benchmark of the transport has it: inputs of ~200 B, states of ~600 B, three events.

The same for every worker that is measured, so that what differs is the transport.
"""

import time
from collections.abc import Callable

import msgspec

from streams.records import Record

EVENTS_PER_INPUT = 3
STATE_PAD = "p" * 480
EVENT_PAD = b'","data":{"pi":"truck","t":"ActivityCompleted","b":"' + b"y" * 180 + b'"}}'


class Reading(msgspec.Struct):
    """An input of the benchmark."""

    id: str
    entity: str
    speed: int
    ts: float


decode, encode = msgspec.json.Decoder(Reading).decode, msgspec.json.Encoder().encode


def reading(i: int, keys: int = 5000) -> tuple[bytes, bytes]:
    """Key and value of input ``i``."""
    entity = f"truck-{i % keys:05d}"
    value = {"id": f"evt-{i:09d}", "entity": entity, "speed": i % 130, "ts": time.time(), "props": {"note": "x" * 120}}
    return entity.encode(), encode(value)


def step(record: Record, get: Callable[[bytes], bytes | None], send: Callable[[bytes, bytes], None]) -> bytes:
    """The new state of the record's key; its events go to ``send(key, value)``."""
    key = record.key or b""
    event, raw = decode(record.value or b""), get(key)
    state = msgspec.json.decode(raw) if raw else {"n": 0, "vars": {}, "tokens": ["a", "b"], "pad": STATE_PAD}
    state["n"] += 1
    state["vars"]["speed"], state["last"] = event.speed, event.id
    for i in range(EVENTS_PER_INPUT):
        send(key, b'{"id":"%s","i":"%d' % (event.id.encode(), i) + EVENT_PAD)
    return encode(state)
