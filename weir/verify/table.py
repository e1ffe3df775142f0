"""The processor's table against the fold.

The changelog is read to a cut C that lies between two cuts of the events: E0 before it, so that every transaction whose
events are below E0 is in the table, and E1 after it, so that the fold knows all that the table shows.  A record must be
one of the states that its entity had between E0 and E1.

What has ended may be missing: the table forgets it after a while.  Soft records and positions are no fold.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streams.codec import decode_entity, encode_entity
from streams.core.state import BROKEN, SOFT_PREFIXES, Entity, Finished, Instance
from streams.endings import FAILED_TTL_MS
from streams.log import Log, Span, read_tables
from streams.transport.port import TopicPartition
from weir.verify.canonical import differing
from weir.verify.fold import Fold
from weir.verify.report import Difference

NO_FOLD = (*(prefix.encode() for prefix in SOFT_PREFIXES), b"\x00")
MISSING = "table-missing"


async def read_table(log: Log, tp: TopicPartition, span: Span) -> dict[bytes, bytes]:
    """The entities' records that the changelog holds."""
    tables = await read_tables(log, {tp: span})
    return entities_of(tables[tp.partition].items())


def entities_of(records: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The records of a partition's table but for the soft ones and the positions."""
    return {key: value for key, value in records if not key.startswith(NO_FOLD)}


async def keys_in(log: Log, tp: TopicPartition, span: Span) -> set[str]:
    """Entities that this part of the changelog has a record of."""
    keys: set[str] = set()
    async for chunk in log.read({tp: span}):
        keys.update(record.key.decode(errors="replace") for record in chunk.records if record.key is not None)
    return keys


def compare_table(fold: Fold, table: Mapping[bytes, bytes], now_ms: int) -> list[Difference]:
    """What differs; ``now_ms`` is plant time, not before the table was read."""
    differences = []
    left = {key.decode(errors="replace"): value for key, value in table.items()}
    for entity_id in sorted(fold.entities.keys() | fold.since.keys()):
        found = left.pop(entity_id, None)
        if entity_id in fold.broken:
            continue
        states = fold.since.get(entity_id)
        if states is None:
            states = [encode_entity(fold.entities[entity_id])]
        if found is None:
            if not any(_may_be_missing(state, now_ms) for state in states):
                differences.append(_missing(entity_id, states[-1]))
        elif found not in states and (difference := _changed(entity_id, states, found)) is not None:
            differences.append(difference)
    for entity_id, raw in sorted(left.items()):
        if entity_id not in fold.broken:
            differences.append(_extra(entity_id, raw))
    return differences


def _may_be_missing(raw: bytes | None, now_ms: int) -> bool:
    if raw is None:
        return True
    entity = decode_entity(raw)
    return isinstance(entity, Finished) or (
        isinstance(entity, Instance) and entity.status in BROKEN and now_ms - entity.updated_at >= FAILED_TTL_MS
    )


def _missing(entity_id: str, raw: bytes | None) -> Difference:
    assert raw is not None  # else it might be missing
    entity = decode_entity(raw)
    message = f"record: expected {_what(entity)} at seq {entity.seq}, but the table has none"
    return Difference(MISSING, entity_id, entity.seq, message)


def _extra(entity_id: str, raw: bytes) -> Difference:
    entity, why = _decoded(raw)
    found = why if entity is None else f"{_what(entity)} at seq {entity.seq}"
    message = f"record: expected none, since no event tells of it, but the table has {found}"
    return Difference("table-extra", entity_id, None if entity is None else entity.seq, message)


def _changed(entity_id: str, states: list[bytes | None], raw: bytes) -> Difference | None:
    """How the record differs from the state that it claims to be; ``None`` when it is only spelt otherwise."""
    found, why = _decoded(raw)
    if found is None:
        return Difference("table", entity_id, None, f"record: expected a state, but the table has {why}")
    known = [decode_entity(state) for state in states if state is not None]
    if not known:
        return _extra(entity_id, raw)
    fields = _fields(found)
    expected = [state for state in known if state.seq == found.seq] or known
    ways = [list(differing(_fields(state), fields)) for state in expected]
    if [] in ways:
        return None
    closest = min(ways, key=len)
    text = "; ".join(f"{field}: expected {one}, but the table has {other}" for field, one, other in closest)
    return Difference("table", entity_id, found.seq, text)


def _decoded(raw: bytes) -> tuple[Entity | None, str]:
    try:
        return decode_entity(raw), ""
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return None, f"{len(raw)} bytes that are no state: {error}"


def _fields(entity: Entity) -> dict[str, Any]:
    """All fields by name, those at their defaults too; keys as JSON has them."""
    fields = {name: msgspec.to_builtins(value, str_keys=True) for name, value in msgspec.structs.asdict(entity).items()}
    return {"record": type(entity).__name__.lower(), **fields}


def _what(entity: Entity) -> str:
    status = getattr(entity, "status", None)
    return f"a {type(entity).__name__} record" if status is None else f"an instance that is {status}"
