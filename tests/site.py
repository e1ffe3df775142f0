"""A site of one's own on the shared test services: settings whose topics nobody else uses."""

from pathlib import Path

import asyncpg

from projections.migrations import migrate
from streams.settings import Settings
from streams.topics import Topics, apply_topics, load_topics

TOPICS = Path(__file__).parent.parent / "redpanda" / "topics.yaml"


def own_topics(settings: Settings, folder: Path, *, station: bool = False) -> Settings:
    """``settings`` with a topics file in ``folder`` that names every topic after the application; of the telemetry it
    has ``telemetry_topic`` alone.

    With ``station`` the station's topics are in it: they cannot be named otherwise, so all applications share them.
    """
    text, mark, of_station = TOPICS.read_text().partition("\n  # The station:")
    text, _, _ = text.partition("\n  # For the processes of definitions/:")
    text = text.replace("name: process-", f"name: {settings.app_id}-process-")
    text = text.replace("heatpump-telemetry:", f"{telemetry_topic(settings)}:")
    text = text.replace("home/heatpump/", f"{settings.app_id}/heatpump/")
    if station:
        text += mark + of_station.replace("mqtt: station/", f"mqtt: {settings.app_id}/")
    (folder / "topics.yaml").write_text(text)
    return settings.model_copy(update={"topics_file": folder / "topics.yaml"})


def telemetry_topic(settings: Settings) -> str:
    """The site's name for the topic ``heatpump-telemetry``."""
    return f"{settings.app_id}-heatpump-telemetry"


async def make_site(settings: Settings, folder: Path, *, station: bool = False) -> tuple[Settings, Topics]:
    """``own_topics``, applied to the broker."""
    own = own_topics(settings, folder, station=station)
    topics = load_topics(own)
    await apply_topics(own, topics)
    return own, topics


async def migrated(url: str) -> None:
    """The database has the newest schema: what ``fresh_database`` takes."""
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()
