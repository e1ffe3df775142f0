"""Who has not been heard of for a while is offline."""

import structlog

from streams.core.clock import PlantClock
from streams.core.durations import instant
from streams.database import Database
from streams.station.events import user_event
from streams.station.outbox import put_events
from streams.station.sql import users_of

MAX_USERS = 1_000
KEEP_DAYS = 60

log = structlog.get_logger("weir.station")

_SILENT = """
    SELECT id FROM users WHERE online AND seen_at < $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""
_OFFLINE = "UPDATE users SET online = false WHERE id = ANY ($1::text[])"
_FORGET = "DELETE FROM weir_done_actions WHERE done_at < now() - make_interval(days => $1)"


async def tell_silent(database: Database, clock: PlantClock, offline_s: float, now_ms: float) -> int:
    """Have everybody be offline who was last heard of more than ``offline_s`` seconds of plant time ago; how many.

    ``now_ms`` is wall time.
    """
    plant_ms, told = clock.plant_ms(now_ms), 0
    before = instant(plant_ms - round(offline_s * 1000))
    while True:
        async with database.connection() as connection, connection.transaction():
            ids = [row["id"] for row in await connection.fetch(_SILENT, before, MAX_USERS)]
            if not ids:
                return told
            users = await users_of(connection, ids)
            await connection.execute(_OFFLINE, ids)
            await put_events(
                connection,
                [
                    user_event("user_offline", user, plant_ms, f"silent/{user.id}/{user.seen_ms}")
                    for user in users.values()
                ],
            )
            told += len(ids)


async def forget_done(database: Database) -> None:
    """Forget actions that nobody will perform again."""
    async with database.connection() as connection:
        await connection.execute(_FORGET, KEEP_DAYS)
