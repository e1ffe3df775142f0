"""The station of the simulation before anybody comes: a zone, and a bot that listens."""

from projections.memory_station import Tables
from streams.station.model import Bot, BotTrigger
from tests.station.databases import triggers_of, zone_row
from tests.station.world import HOME

ZONE = "home"
RADIUS_M = 100.0
PLACES = {"inside": 0.0, "edge": 0.00094, "away": 0.1}
"""Degrees north of the zone's centre; at the edge, 104 m from there, nobody comes in, and nobody has left."""
BOT = Bot("helper", "Helper", (BotTrigger("help", "help"),))
WORDS = ("Help", "hello")
"""The bot hears the first."""


def furnish(tables: Tables) -> None:
    """As somebody has set it up."""
    tables.zones[ZONE] = zone_row(ZONE, "Home", *HOME, RADIUS_M)
    tables.bots[BOT.id] = {"id": BOT.id, "name": BOT.name, "enabled": True, "triggers": triggers_of(BOT)}
