"""The station: the topics ``positions`` and ``messages`` ─► ``streams.station.intake`` ─► tables and outbox ─► Kafka.

Workers share the partitions; one of them relays the outbox, whoever's transaction filled it.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import asdict, replace

import faust
import structlog

from streams import transport
from streams.app import OF_DATABASE, RoleApp, make_app
from streams.core.triggers.station import STATION_TOPIC
from streams.database import Database, is_transient
from streams.kafka import client_options
from streams.log import beginnings
from streams.monitoring import Sample
from streams.monitoring.transport import TransportMonitor
from streams.settings import Settings
from streams.station.decoding import ROLE
from streams.station.intake import IS_THERE, Counts, Intake, NotOwnerError
from streams.station.relay import Relay
from streams.station.silence import forget_done, tell_silent
from streams.topics import STATION_INPUTS, STATION_TOPICS, Topic, Topics, TopicsError, group_of, load_topics
from streams.transport.fatal import exit_process
from streams.transport.port import TopicPartition

MAX_RECORDS = 500
LOOK_S = 5.0
FORGET_S = 86_400.0
SUMMARY_S = 30.0

log = structlog.get_logger("weir.station")


class StationWorker:
    """What the process holds besides the app."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings = settings
        self.database = Database(settings.database_url, application="weir-station")
        self.intake = Intake(
            self.database, settings.plant_clock, topics.dead_letters.name, lambda tps: beginnings(settings, tps)
        )
        partitions = {STATION_TOPIC: topics.telemetry[STATION_TOPIC].partitions}
        group = f"{group_of(settings, ROLE)}-outbox"
        self.relay = Relay(settings.database_url, client_options(settings), group, partitions)
        self._told = Counts()

    async def start(self) -> None:
        """Wait for the tables, which the projector makes."""
        while not await self.database.patiently("looking for the station's tables", self._has_tables):
            log.info("the database has no station yet: waiting for a projector, or for weir migrate")
            await asyncio.sleep(LOOK_S / 5)
        await self.relay.start()

    async def _has_tables(self) -> bool:
        async with self.database.connection() as connection:
            return await connection.fetchval(IS_THERE) is not None

    async def stop(self) -> None:
        """Called when nothing is taken in any more."""
        await self.relay.stop()
        self.database.close()

    async def run(self, batch: transport.Batch) -> None:
        """Carry out one batch."""
        async with batch.transaction():
            try:
                await self.intake.take(TopicPartition(*batch.tp), batch.records, batch.end, batch.now() * 1000)
            except NotOwnerError as error:
                exit_process(str(error))

    async def look(self, lag_s: float) -> None:
        """Tell who is silent, unless what they sent may still be waiting for us."""
        offline_s = self._settings.user_offline_s
        if lag_s * self._settings.plant_clock.factor < offline_s:
            await self._if_it_is_there(tell_silent(self.database, self._settings.plant_clock, offline_s, _wall_ms()))

    async def forget(self) -> None:
        """Forget what actions did long ago."""
        await self._if_it_is_there(forget_done(self.database))

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        counts = self.intake.counts
        return [
            Sample("weir_station_positions_total", counts.positions),
            Sample("weir_station_messages_total", counts.messages),
            Sample("weir_station_moves_total", counts.entries, ("entry",)),
            Sample("weir_station_moves_total", counts.exits, ("exit",)),
            Sample("weir_station_dead_letters_total", counts.dead),
            Sample("weir_station_relayed_total", self.relay.sent),
        ]

    def trouble(self) -> str | None:
        """For ``/health``."""
        return self.database.trouble

    async def summarise(self) -> None:
        """A line, when something happened since the last."""
        if self.intake.counts != self._told:
            self._told = replace(self.intake.counts)
            log.info("taken in", **asdict(self._told))

    async def _if_it_is_there(self, asking: Awaitable[object]) -> None:
        """A database that is away is asked the next time; the intake says loudly that it waits."""
        try:
            await asking
        except Exception as error:
            if not is_transient(error):
                raise
            log.info("asked the database for nothing", error=f"{type(error).__name__}: {error}")


def _wall_ms() -> float:
    return time.time() * 1000


def build(settings: Settings) -> RoleApp:
    """The Faust app of the station role: one agent for each topic.  Raises ``TopicsError``."""
    topics = load_topics(settings)
    if missing := sorted(STATION_TOPICS - topics.telemetry.keys()):
        raise TopicsError(
            f"{settings.topics_file}: Expected {', '.join(missing)} under 'telemetry:', which the station needs. See "
            "redpanda/topics.yaml"
        )
    app, tx = make_app(settings, ROLE, topics, **OF_DATABASE)
    worker, monitor = StationWorker(settings, topics), TransportMonitor(tx)
    tx.excuse(worker.trouble)
    positions = transport.ExternalPositions(worker.intake.positions)
    for name in STATION_INPUTS:
        _add_agent(app, tx, topics.telemetry[name], worker, positions)

    @app.timer(LOOK_S)  # type: ignore[untyped-decorator]
    async def look() -> None:
        await worker.look(max(monitor.lag_s(name) for name in STATION_INPUTS))

    app.timer(FORGET_S)(worker.forget)
    app.timer(SUMMARY_S)(worker.summarise)
    app.watched.sample(worker.samples)
    app.watched.check(worker.trouble)
    app.accompany(worker.start, worker.stop)
    return app


def _add_agent(
    app: RoleApp, tx: transport.Transport, topic: Topic, worker: StationWorker, positions: transport.ExternalPositions
) -> None:
    """``positions`` are those of all topics: an assignment asks for them once."""
    source = tx.source(
        app.topic(topic.name, partitions=topic.partitions, key_type=bytes, value_type=bytes), positions=positions
    )

    @app.agent(source.topic, concurrency=topic.partitions, name=f"take in {topic.name}")  # type: ignore[untyped-decorator]
    async def take_in(stream: faust.Stream) -> None:
        async for batch in transport.batches(stream, max_records=MAX_RECORDS):
            await worker.run(batch)


def run(settings: Settings) -> None:
    """Work until told to stop."""
    transport.run(build(settings), log_level=settings.log_level)
