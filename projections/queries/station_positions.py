"""Where are the station's people?  Times are plant time."""

from datetime import datetime

import asyncpg
import msgspec

_QUERY = """
    SELECT user_id, lat, lon, accuracy_m, time,
           ARRAY (SELECT zone_id FROM zone_members AS m WHERE m.user_id = positions.user_id ORDER BY zone_id) AS zones
    FROM positions
    WHERE ($1::text IS NULL OR user_id > $1) AND ($2::text IS NULL OR user_id = $2)
      AND ($3::text IS NULL OR EXISTS (SELECT FROM zone_members AS m
                                       WHERE (m.zone_id, m.user_id) = ($3, positions.user_id)))
      AND ($4::timestamptz IS NULL OR time >= $4)
    ORDER BY user_id LIMIT $5
"""


class StationPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody was last, how exact that is in metres, and which zones they are in."""

    user_id: str
    lat: float
    lon: float
    accuracy_m: float
    time: datetime
    zones: list[str]


async def station_positions(
    connection: asyncpg.Connection,
    *,
    user_id: str | None = None,
    zone: str | None = None,
    since: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[StationPosition]:
    """One a person, by their ids, from behind ``after`` on; ``since``: not those of whom nothing came since then."""
    rows = await connection.fetch(_QUERY, after, user_id, zone, since, limit)
    return [StationPosition(**row) for row in rows]
