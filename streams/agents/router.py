"""The router: telemetry topics ─► batches of one partition ─► ``streams.routing`` ─► commands.

The commands of a batch and the position behind it are one Kafka transaction; a batch that leads to nothing needs none.
"""

from dataclasses import asdict

import faust
import structlog

from streams import transport
from streams.app import RoleApp, make_app
from streams.definitions import DefinitionStore
from streams.monitoring import Sample
from streams.routing import Counts, Routed, Router
from streams.settings import Settings
from streams.topics import Topic, Topics, load_topics
from streams.tracing.tracer import Tracer, make_tracer

MAX_RECORDS = 1_000
SUMMARY_S = 30.0
log = structlog.get_logger("weir.router")


class TelemetryRouter:
    """Routes every telemetry topic with what the definitions that are deployed now ask for."""

    def __init__(self, settings: Settings, topics: Topics, tracer: Tracer | None = None) -> None:
        self.store = DefinitionStore(settings, topics)
        self.counts = Counts()
        self._router = Router(topics, self.store, settings.plant_clock, tracer)
        self._tracer = tracer
        self._told = Counts()

    def status(self) -> dict[str, int]:
        """The counts since the start of the process."""
        return asdict(self.counts)

    async def run(self, batch: transport.Batch) -> None:
        """Carry out one batch."""
        routed = Routed()
        async with batch.transaction() as txn:
            routed = self._router.route(batch.tp.topic, batch.tp.partition, batch.records, batch.now() * 1000)
            for output in routed.outputs:
                txn.send(*output)
        if batch.done:
            self.counts.add(routed.counts)
            if self._tracer is not None:
                self._tracer.export(routed.spans)

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        counts = self.counts
        return [
            Sample("weir_router_readings_total", counts.readings),
            Sample("weir_router_starts_total", counts.started),
            Sample("weir_router_observations_total", counts.observed),
            Sample("weir_router_shown_total", counts.shown),
            Sample("weir_router_stale_total", counts.stale),
            Sample("weir_router_absent_total", counts.absent),
            Sample("weir_router_dead_letters_total", counts.dead),
        ]

    async def summarise(self) -> None:
        """A line, when something happened since the last."""
        if self.counts == self._told:
            return
        if self.counts.late > self._told.late:
            log.warning(
                "readings arrive that are old by their own timestamp, and start nothing: is a device's clock wrong? "
                "`device_time: false` in a trigger goes by their arrival",
                late=self.counts.late - self._told.late,
            )
        self._told = Counts(**self.status())
        log.info("routed", **self.status())


def build(settings: Settings) -> RoleApp:
    """The Faust app of the router role: one agent for each telemetry topic."""
    topics = load_topics(settings)
    app, tx = make_app(settings, "router", topics)
    tracer = make_tracer(settings, "router")
    router = TelemetryRouter(settings, topics, tracer)
    positions = transport.GroupPositions(missing="latest", transactional=True)
    for topic in topics.telemetry.values():
        _add_agent(app, tx, topic, router, positions)
    app.timer(SUMMARY_S)(router.summarise)
    app.watched.sample(router.samples)
    app.accompany(router.store.start, router.store.stop)
    app.traced_by(tracer)
    tx.watch(router.store.standstill)
    return app


def _add_agent(
    app: RoleApp, tx: transport.Transport, topic: Topic, router: TelemetryRouter, positions: transport.GroupPositions
) -> None:
    """``positions`` are those of all topics: an assignment asks for them once."""
    source = tx.source(
        app.topic(topic.name, partitions=topic.partitions, key_type=bytes, value_type=bytes), positions=positions
    )

    @app.agent(source.topic, concurrency=topic.partitions, name=f"route {topic.name}")  # type: ignore[untyped-decorator]
    async def route(stream: faust.Stream) -> None:
        async for batch in transport.batches(stream, max_records=MAX_RECORDS):
            await router.run(batch)


def run(settings: Settings) -> None:
    """Work until told to stop."""
    transport.run(build(settings), log_level=settings.log_level)
