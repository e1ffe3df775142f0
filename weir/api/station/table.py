"""People, groups and bots of the station, as administrators keep them; events of it go with the rows."""

from typing import Any

import asyncpg
import msgspec

from streams.core.durations import instant
from streams.station.events import user_event
from streams.station.model import User
from streams.station.outbox import put_events

_PUT_USER = """
    INSERT INTO users (id, name, metadata, registered_at) VALUES ($1, $2, $3::text::jsonb, $4)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, metadata = excluded.metadata
    RETURNING (xmax = 0) AS created
"""
_PUT_GROUP = """
    INSERT INTO groups (id, name, metadata) VALUES ($1, $2, $3::text::jsonb)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, metadata = excluded.metadata
"""
_PUT_BOT = """
    INSERT INTO bots (id, name, enabled, triggers, metadata) VALUES ($1, $2, $3, $4::text::jsonb, $5::text::jsonb)
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, enabled = excluded.enabled, triggers = excluded.triggers, metadata = excluded.metadata
"""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def put_user(
    connection: asyncpg.Connection, user_id: str, name: str, metadata: dict[str, Any], now_ms: int, cause: str
) -> None:
    """A person is there and has this name; one who was not known is registered, with the event of it."""
    created = await connection.fetchval(_PUT_USER, user_id, name, _json(metadata), instant(now_ms))
    if created:
        await put_events(connection, [user_event("user_registered", User(user_id, name), now_ms, cause)])


async def put_group(connection: asyncpg.Connection, group_id: str, name: str, metadata: dict[str, Any]) -> None:
    """A group is there and has this name; its members stay."""
    await connection.execute(_PUT_GROUP, group_id, name, _json(metadata))


async def put_bot(
    connection: asyncpg.Connection,
    bot_id: str,
    name: str,
    triggers: list[dict[str, Any]],
    metadata: dict[str, Any],
    *,
    enabled: bool,
) -> None:
    """A bot is there and listens for these."""
    await connection.execute(_PUT_BOT, bot_id, name, enabled, _json(triggers), _json(metadata))
