"""The projector role: events, definitions, the audit and every telemetry topic ─► ``Projector`` ─► database.

The schema is brought up to date before anything is read.  What the projector cannot go on from ends the process, for
the supervisor to restart; a database that is away is waited for, however long.
"""

from collections import Counter
from dataclasses import asdict, replace

import faust
import structlog

from projections.dead_letters import DeadLetterTopic
from projections.feeds import feeds_of
from projections.guard import LOOK_S, RetentionGuard
from projections.migrations import migrate
from projections.projector import Counts, Projector
from projections.retention import BusyError, limits_of, remove_expired
from projections.topic_log import KafkaTopicLog
from streams import transport
from streams.app import OF_DATABASE, RoleApp, make_app
from streams.database import Database, is_transient
from streams.monitoring import Sample
from streams.monitoring.transport import TransportMonitor
from streams.settings import Settings
from streams.topics import Topic, Topics, load_topics
from streams.tracing.tracer import Tracer, make_tracer

MAX_RECORDS = 4_000
SUMMARY_S = 30.0
EXPIRY_S = 900.0
"""How often rows that are too old are looked for."""
log = structlog.get_logger("weir.projector")


class ProjectorRole:
    """What the process holds besides the app: the database, the dead letters, the projector between them."""

    def __init__(self, settings: Settings, topics: Topics, tracer: Tracer | None = None) -> None:
        self.database = Database(settings.database_url)
        self.dead_letters = DeadLetterTopic(settings, topics.dead_letters.name)
        self.projector = Projector(
            self.database,
            feeds_of(topics),
            topic_log=KafkaTopicLog(settings),
            dead_letters=self.dead_letters,
            clock=settings.plant_clock,
            tracer=tracer,
        )
        self._settings = settings
        self._told = Counts()
        self._removed: Counter[str] = Counter()
        """Chunks, by table."""

    async def start(self) -> None:
        """Bring the schema up to date, as soon as the database is there."""
        await self.database.patiently("bringing the schema up to date", self._migrate)

    async def stop(self) -> None:
        """Called when nothing is projected any more."""
        await self.dead_letters.close()
        self.database.close()

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        return [
            Sample("weir_projector_refused_total", self.projector.counts.refused),
            Sample("weir_projector_database_up", self.database.trouble is None),
            *(Sample("weir_projector_expired_chunks_total", count, (table,)) for table, count in self._removed.items()),
            *self.projector.durations.samples(),
        ]

    async def summarise(self) -> None:
        """A line, when something happened since the last."""
        counts = self.projector.counts
        if counts != self._told:
            self._told = replace(counts)
            log.info("projected", **asdict(counts))

    async def remove_expired(self) -> None:
        """One pass over what is older than the settings want it; what cannot be removed now is, the next time."""
        limits = limits_of(self._settings)
        if not limits:
            return
        try:
            async with self.database.unbounded("weir-retention") as connection:
                removed = await remove_expired(connection, limits)
        except Exception as error:
            if not (isinstance(error, BusyError) or is_transient(error)):
                raise
            log.info("old rows are removed later", reason=f"{type(error).__name__}: {error}")
            return
        for one in removed:
            self._removed[one.table] += one.chunks
            log.info("old rows removed", **asdict(one))

    async def _migrate(self) -> None:
        async with self.database.unbounded() as connection:
            await migrate(connection)


def build(settings: Settings) -> RoleApp:
    """The Faust app of the projector role: one agent for each topic."""
    topics = load_topics(settings)
    app, tx = make_app(settings, "projector", topics, **OF_DATABASE)
    tracer = make_tracer(settings, "projector")
    role = ProjectorRole(settings, topics, tracer)
    tx.excuse(lambda: role.database.trouble)
    positions = transport.ExternalPositions(role.projector.positions)
    for topic in (topics.events, topics.definitions, topics.audit, *topics.telemetry.values()):
        _add_agent(app, tx, topic, role.projector, positions)
    app.timer(SUMMARY_S)(role.summarise)
    app.timer(EXPIRY_S)(role.remove_expired)
    app.watched.sample(role.samples)
    app.watched.check(lambda: role.database.trouble)
    _guard(app, tx, settings, topics)
    app.traced_by(tracer)
    app.accompany(role.start, role.stop)
    return app


def _guard(app: RoleApp, tx: transport.Transport, settings: Settings, topics: Topics) -> None:
    guard = RetentionGuard(settings, topics, TransportMonitor(tx).lag_s)
    app.watched.sample(guard.samples)
    app.timer(LOOK_S)(guard.look)
    app.accompany(guard.look)


def _add_agent(
    app: RoleApp,
    tx: transport.Transport,
    topic: Topic,
    projector: Projector,
    positions: transport.ExternalPositions,
) -> None:
    """``positions`` are those of all topics: an assignment asks for them once."""
    source = tx.source(
        app.topic(topic.name, partitions=topic.partitions, key_type=bytes, value_type=bytes), positions=positions
    )

    @app.agent(source.topic, concurrency=topic.partitions, name=f"project {topic.name}")  # type: ignore[untyped-decorator]
    async def project(stream: faust.Stream) -> None:
        async for batch in transport.batches(stream, max_records=MAX_RECORDS):
            async with batch.transaction():
                await projector.project(batch)


def run(settings: Settings) -> None:
    """Work until told to stop."""
    transport.run(build(settings), log_level=settings.log_level)
