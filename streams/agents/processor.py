"""The processor: the one writer of process state.

``process-commands`` ─► batches of one partition ─► ``streams.processing`` ─► one Kafka transaction a batch: events, the
table's changelog, rejections, dead letters, forwarded commands and the input position.
"""

import time
from collections.abc import Callable
from functools import partial

import faust
import structlog

from streams import transport
from streams.app import make_app
from streams.definitions import DefinitionStore
from streams.histogram import Histogram
from streams.monitoring import Sample
from streams.outcome import Counts, Outcome
from streams.processing import PartitionProcessor, decode_records
from streams.settings import Settings
from streams.timers import timer_backend
from streams.topics import TABLE, Topics, load_topics
from streams.tracing.tracer import Tracer, make_tracer
from streams.transport import TopicPartition
from streams.trimming import EVERY_S as TRIM_EVERY_S
from streams.trimming import Trimmer

MAX_RECORDS = 1_000
log = structlog.get_logger("weir.processor")


class Processor:
    """The partitions that this worker owns."""

    def __init__(self, settings: Settings, topics: Topics, tracer: Tracer | None = None) -> None:
        self._partition: Callable[..., PartitionProcessor] = PartitionProcessor if tracer is None else _traced(tracer)
        self.store = DefinitionStore(settings, topics)
        self.partitions: dict[int, PartitionProcessor] = {}
        self.counts = Counts()
        self.lateness = Histogram()
        """Seconds of timers."""
        self._settings = settings
        self._timers = timer_backend(settings.timers)
        self._topics = topics
        self.table: transport.TransactionalTable | None = None
        self.trimmer = Trimmer(settings, topics, self.positions)

    async def assigned(self, partition: int) -> None:
        """The partition is ours and its table is recovered: find what waits in it.

        Whoever owned the partition before knew the definitions of its instances; ours may lag behind.
        """
        assert self.table is not None
        await self.store.catch_up()
        began = time.perf_counter()
        records = self.table.contents.parts.get(partition, {})
        ttl_ms = round(self._settings.done_ttl_s * 1000 * self._settings.plant_clock.factor)
        processor = self._partition(
            partition,
            self._topics,
            self.store,
            self._settings.plant_clock,
            ttl_ms,
            records.items(),
            self._timers,
        )
        self.partitions[partition] = processor
        seconds = round(time.perf_counter() - began, 3)
        log.info(
            "partition taken over",
            partition=partition,
            records=len(records),
            timers=len(processor.timers),
            seconds=seconds,
        )

    def revoked(self, partition: int) -> None:
        """Another worker goes on with the partition."""
        self.partitions.pop(partition, None)

    def positions(self) -> dict[int, int]:
        """The next command of each partition, as the table has it committed."""
        assert self.table is not None
        name, contents = self._topics.commands.name, self.table.contents
        found = {number: contents.input_position(TopicPartition(name, number)) for number in self.partitions}
        return {number: position for number, position in found.items() if position is not None}

    def wake_at(self, partition: int) -> float | None:
        """Wall time (Unix seconds) at which the partition has a timer to fire."""
        processor = self.partitions.get(partition)
        return None if processor is None else processor.wake_at()

    async def run(self, batch: transport.Batch) -> None:
        """Carry out one batch."""
        assert self.table is not None
        processor = self.partitions[batch.tp.partition]
        decoded = decode_records(batch.records)
        if processor.lacks_definition(decoded):
            await self.store.catch_up()
        outcome: Outcome | None = None
        async with batch.transaction() as txn:
            caught_up = batch.quiet_at is not None
            now = batch.now() if batch.quiet_at is None else batch.quiet_at
            outcome = processor.process(decoded, txn, now * 1000, caught_up=caught_up)
        if batch.done and outcome is not None:
            self.counts.add(outcome.counts)
            processor.committed(outcome)
            now_ms, clock = batch.now() * 1000, self._settings.plant_clock
            for due_ms in outcome.fired:
                self.lateness.observe(max(0.0, now_ms - clock.wall_ms(due_ms)) / 1000)

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        counts = self.counts
        due = [at for processor in self.partitions.values() if (at := processor.due_at()) is not None]
        return [
            Sample("weir_processor_commands_total", counts.commands),
            Sample("weir_processor_events_total", counts.events),
            Sample("weir_processor_rejections_total", counts.rejected),
            Sample("weir_processor_forwarded_total", counts.forwarded),
            Sample("weir_processor_dead_letters_total", counts.dead),
            Sample("weir_processor_timers_fired_total", counts.timers),
            Sample("weir_processor_timer_lateness_seconds", self.lateness),
            Sample("weir_processor_late_readings_total", counts.late),
            Sample("weir_processor_commands_trimmed_total", self.trimmer.trimmed),
            Sample("weir_processor_timers_waiting", sum(len(one.timers) for one in self.partitions.values())),
            Sample("weir_processor_timers_put_off", sum(len(one.put_off) for one in self.partitions.values())),
            Sample("weir_processor_timers_overdue_seconds", max(0.0, time.time() - min(due)) if due else 0.0),
        ]


def _traced(tracer: Tracer) -> Callable[..., PartitionProcessor]:
    from streams.tracing.partition import TracedProcessor  # noqa: PLC0415  only who is traced pays for it

    return partial(TracedProcessor, tracer)


def build(settings: Settings) -> faust.App:
    """The Faust app of the processor role."""
    topics = load_topics(settings)
    app, tx = make_app(settings, "processor", topics)
    tracer = make_tracer(settings, "processor")
    processor = Processor(settings, topics, tracer)
    processor.table = app.Table(TABLE, partitions=topics.partitions)
    source = tx.source(
        app.topic(topics.commands.name, partitions=topics.partitions, key_type=bytes, value_type=bytes),
        positions=transport.TablePositions(processor.table),
        wake_at=processor.wake_at,
        on_assigned=processor.assigned,
        on_revoked=processor.revoked,
    )

    @app.agent(source.topic, concurrency=topics.partitions)  # type: ignore[untyped-decorator]
    async def process(stream: faust.Stream) -> None:
        async for batch in transport.batches(stream, max_records=MAX_RECORDS):
            await processor.run(batch)

    app.timer(TRIM_EVERY_S)(processor.trimmer.look)
    app.watched.sample(processor.samples)
    app.accompany(processor.store.start, processor.store.stop)
    app.traced_by(tracer)
    tx.watch(processor.store.standstill)
    return app


def run(settings: Settings) -> None:
    """Work until told to stop."""
    transport.run(build(settings), log_level=settings.log_level)
