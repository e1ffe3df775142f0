"""``process_definitions`` and ``definition_activations`` against the topic, below the projector's position."""

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import msgspec

from streams.core.state import definition_entity
from streams.deployed import Activation, decode_deployed
from streams.log import LogReader, Span
from streams.transport.port import TopicPartition
from weir.verify.canonical import differing
from weir.verify.report import Difference

QUERY = "SELECT id, version, name, definition::text, hash, created_at, source, origin::text FROM process_definitions"
ACTIVATIONS = "SELECT id, active, off, reason, pruned, retired, changed_at FROM definition_activations"
Versions = Mapping[tuple[str, int | None], Mapping[str, Any]]
"""By (id, version), and (id, ``None``) for what is active."""


async def read_topic(log: LogReader, tp: TopicPartition, position: int) -> Versions:
    """The columns of each row, as the topic has them; it is compacted, so the last record of a key holds."""
    start = (await log.bounds([tp]))[tp].start
    found: dict[tuple[str, int | None], Mapping[str, Any]] = {}
    async for chunk in log.read({tp: Span(start, position)}):
        for record in chunk.records:
            one = decode_deployed(record.value or b"{}")
            if isinstance(one, Activation):
                found[one.id, None] = {
                    "active": one.active,
                    "off": one.off is not None,
                    "reason": None if one.off is None else one.off.reason,
                    "pruned": one.off is not None and one.off.pruned,
                    "retired": one.retired,
                    "changed_at": one.changed_at.isoformat(),
                }
            else:
                found[one.id, one.version] = {
                    "name": one.name,
                    "definition": msgspec.json.decode(one.definition),
                    "hash": one.hash,
                    "created_at": one.deployed_at.isoformat(),
                    "source": one.source,
                    "origin": one.origin,
                }
    return found


async def read_rows(connection: asyncpg.Connection) -> Versions:
    """The same columns of each row."""
    return columns(await connection.fetch(QUERY), await connection.fetch(ACTIVATIONS))


def columns(versions: Iterable[Mapping[str, Any]], activations: Iterable[Mapping[str, Any]]) -> Versions:
    """The same columns of each row, as the two tables have them; JSON comes as text."""
    found: dict[tuple[str, int | None], Mapping[str, Any]] = {}
    for row in versions:
        found[row["id"], row["version"]] = {
            "name": row["name"],
            "definition": msgspec.json.decode(row["definition"]),
            "hash": row["hash"],
            "created_at": row["created_at"].isoformat(),
            "source": row["source"],
            "origin": None if row["origin"] is None else msgspec.json.decode(row["origin"]),
        }
    for row in activations:
        same = {name: row[name] for name in ("active", "off", "reason", "pruned", "retired")}
        found[row["id"], None] = {**same, "changed_at": row["changed_at"].isoformat()}
    return found


def compare_definitions(topic: Versions, rows: Versions) -> list[Difference]:
    """What differs, version by version."""
    differences = []
    for one in sorted(topic.keys() | rows.keys(), key=lambda one: (one[0], one[1] or 0)):
        subject, version = definition_entity(one[0]), one[1]
        place, table = (
            ("what is active", "definition_activations")
            if version is None
            else (f"version {version}", "process_definitions")
        )
        if one not in rows:
            message = f"row: expected {place}, but {table} has none"
            differences.append(Difference("definition-missing", subject, None, message))
        elif one not in topic:
            message = f"row: expected none of {place}, but {table} has one"
            differences.append(Difference("definition-extra", subject, None, message))
        elif ways := list(differing(topic[one], rows[one])):
            text = "; ".join(f"{name}: expected {a}, but {table} has {b}" for name, a, b in ways)
            differences.append(Difference("definition", subject, None, f"{place}: {text}"))
    return differences
