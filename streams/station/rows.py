"""Rows of the station's tables as what they are."""

from datetime import datetime

import asyncpg
import orjson

from streams.core.durations import instant_ms
from streams.station.geometry import Circle, Point, Polygon
from streams.station.model import Alert, Bot, BotTrigger, Fix, User, Zone


def zone_of(row: asyncpg.Record) -> Zone:
    """A row of ``zones``."""
    if row["polygon"] is None:
        shape: Circle | Polygon = Circle(Point(row["lat"], row["lon"]), row["radius_m"])
    else:
        shape = Polygon(tuple(Point(one["lat"], one["lon"]) for one in orjson.loads(row["polygon"])))
    metadata = orjson.loads(row["metadata"])
    return Zone(row["id"], row["name"], shape, row["margin_m"], active=row["active"], metadata=metadata)


def fix_of(row: asyncpg.Record) -> Fix:
    """A row of ``positions``."""
    return Fix(Point(row["lat"], row["lon"]), instant_ms(row["time"]), row["accuracy_m"])


def user_of(row: asyncpg.Record) -> User:
    """A row of ``users`` with its groups."""
    seen = row["seen_at"]
    return User(row["id"], row["name"], tuple(row["groups"]), row["online"], None if seen is None else instant_ms(seen))


def bot_of(row: asyncpg.Record) -> Bot:
    """A row of ``bots``."""
    triggers = [BotTrigger(one["name"], one["word"], one.get("response")) for one in orjson.loads(row["triggers"])]
    return Bot(row["id"], row["name"], tuple(triggers), row["enabled"])


def alert_of(row: asyncpg.Record) -> Alert:
    """A row of ``alerts``."""
    return Alert(
        id=row["id"],
        key=row["key"],
        severity=row["severity"],
        status=row["status"],
        title=row["title"],
        message=row["message"],
        zone_id=row["zone_id"],
        user_id=row["user_id"],
        data=None if row["data"] is None else orjson.loads(row["data"]),
        created_ms=instant_ms(row["created_at"]),
        created_by=row["created_by"],
        acknowledged_ms=_ms(row["acknowledged_at"]),
        acknowledged_by=row["acknowledged_by"],
        resolved_ms=_ms(row["resolved_at"]),
        resolved_by=row["resolved_by"],
        note=row["note"],
    )


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else instant_ms(moment)
