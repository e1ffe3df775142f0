"""``process_definitions`` against the topic, below the projector's position."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from streams.core.state import definition_entity
from streams.log import Log, Span
from streams.transport.port import TopicPartition
from weir.verify.canonical import differing
from weir.verify.report import Difference

QUERY = "SELECT id, version, name, definition::text, hash, created_at FROM process_definitions"
Versions = Mapping[tuple[str, int], Mapping[str, Any]]


async def read_topic(log: Log, tp: TopicPartition, position: int) -> Versions:
    """The columns of each version, as the topic has them; it is compacted, so the last record of a version holds."""
    start = (await log.bounds([tp]))[tp].start
    found = {}
    async for chunk in log.read({tp: Span(start, position)}):
        for record in chunk.records:
            one = msgspec.json.decode(record.value or b"{}")
            moment = msgspec.convert(one["deployed_at"], type=datetime)
            columns = {name: one[name] for name in ("name", "definition", "hash")}
            found[one["id"], one["version"]] = {**columns, "created_at": moment.isoformat()}
    return found


async def read_rows(connection: asyncpg.Connection) -> Versions:
    """The same columns of each row."""
    return {
        (row["id"], row["version"]): {
            "name": row["name"],
            "definition": msgspec.json.decode(row["definition"]),
            "hash": row["hash"],
            "created_at": row["created_at"].isoformat(),
        }
        for row in await connection.fetch(QUERY)
    }


def compare_definitions(topic: Versions, rows: Versions) -> list[Difference]:
    """What differs, version by version."""
    differences = []
    for one in sorted(topic.keys() | rows.keys()):
        subject, place = definition_entity(one[0]), f"version {one[1]}"
        if one not in rows:
            message = f"row: expected {place}, but process_definitions has none"
            differences.append(Difference("definition-missing", subject, None, message))
        elif one not in topic:
            message = f"row: expected none of {place}, but process_definitions has one"
            differences.append(Difference("definition-extra", subject, None, message))
        elif ways := list(differing(topic[one], rows[one])):
            text = "; ".join(f"{name}: expected {a}, but process_definitions has {b}" for name, a, b in ways)
            differences.append(Difference("definition", subject, None, f"{place}: {text}"))
    return differences
