"""Which turn began each wait of an instance: a soft record of the processor's table, there only while it is traced.

A wait is named ``<execution>:<kind>:<attempt>``.  An instance that is not over and waits nowhere, since it is queued or
has failed, waits as a whole, under "".
"""

from collections.abc import Mapping

import msgspec

from streams.core.state import TRACE_PREFIX, Entity, Instance
from streams.tracing.context import Context, decode

Waits = dict[str, str]
"""``traceparent`` of the turn by the wait's name."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Waits).decode


def record_key(instance_id: str) -> bytes:
    """Of the soft record."""
    return (TRACE_PREFIX + instance_id).encode()


def waits_of(entity: Entity | None) -> set[str]:
    """The names of what it waits for."""
    if not isinstance(entity, Instance):
        return set()
    names = {f"{wait.execution}:{wait.kind}:{wait.attempt}" for wait in entity.waiting.values()}
    return names or {""}


def followed(raw: bytes | None, before: set[str], now: set[str], turn: Context) -> tuple[bytes | None, list[Context]]:
    """The record after a turn in which the waits ``before`` became those of ``now``, and what the turn is linked to."""
    known: Mapping[str, str] = {} if raw is None else _decode(raw)
    kept = {name: text for name, text in known.items() if name in now}
    links = [decode(text.encode()) for name, text in known.items() if name not in now]
    if turn.sampled:
        kept |= dict.fromkeys(now - before, turn.encoded().decode())
    return (_encode(kept) if kept else None), list(dict.fromkeys(link for link in links if link is not None))
