"""The action worker: ``process-events`` ─► ``action_requested`` ─► ``streams.performing`` ─► ``process-commands``.

Up to ``action_concurrency`` requests are performed at the same time (``streams.pool``); each answer goes to the
partition of its event (``streams.outbox``).  The position of a partition is the lowest request without an answer that
Kafka has acknowledged (``streams.progress``), so a request is performed at least once, and again after a crash: with
the same idempotency key.
"""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import faust
import structlog

from streams import transport
from streams.actions import performers
from streams.actions.connections import ROLE, real_connections
from streams.announcing import Announcing, announced
from streams.app import RoleApp, make_app
from streams.codec import BadRecordError, UpgradeError
from streams.core.actions.failures import is_transient
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import DeadLetter
from streams.histogram import Histogram
from streams.kafka import client_options
from streams.monitoring import Sample
from streams.outbox import Outbox
from streams.performing import Performing, Requested, decode_requested
from streams.pool import Pool
from streams.progress import Progress
from streams.redaction import guard_output
from streams.secrets import Secrets
from streams.settings import Settings
from streams.topics import Topics, group_of, load_topics
from streams.tracing.requests import ActionTrace
from streams.tracing.tracer import Tracer, make_tracer
from streams.transport import TopicPartition
from streams.transport.fatal import exit_process

REQUESTED = frozenset(("ce_type", name) for name in (b"action_requested", b"rows_requested", b"notice_requested"))
MAX_RECORDS = 1_000
MAX_PENDING = 2_000
"""Requests taken and not answered, of all partitions; no more are taken beyond."""
LOOK_S = 0.02
DRAIN_S = 1.0
"""How long a partition that is given up waits for its running actions; they go on, but another worker repeats them."""
HOLD_S = 86_400.0
"""How long a batch may wait for room: until actions before it end, which their own time limits see to."""
SUMMARY_S = 30.0

log = structlog.get_logger("weir.actions")


@dataclass(slots=True, eq=False)
class _Work:
    """A request that was taken: it waits for its turn, then runs until Kafka has acknowledged the answer."""

    tp: TopicPartition
    offset: int
    running: bool = False
    outcome: str = ""
    taken_at: float = field(default_factory=time.monotonic)
    trace: ActionTrace | None = None


_Job = tuple[_Work, Requested | list[Requested]]
"""A request, or what is to be announced of an event."""


class ActionWorker:
    """Performs the requests of this worker's partitions."""

    def __init__(self, settings: Settings, topics: Topics, tracer: Tracer | None = None) -> None:
        self._tracer = tracer
        self.outcomes: Counter[str] = Counter()
        """Answers since the start of the process: ``completed``, or by the error's type."""
        self.took: defaultdict[tuple[str, str], Histogram] = defaultdict(Histogram)
        """Seconds, by action and whether it was ``completed`` or ``failed``."""
        self.source: transport.Source | None = None
        self._commands = topics.commands.name
        self._dead_letters = TopicPartition(topics.dead_letters.name, DEAD_LETTERS_PARTITION)
        self._world = real_connections(settings, topics)
        able = performers(self._world.connections)
        self._performing = Performing(able, settings.plant_clock, time.time, Secrets.of(settings))
        self._announcing = Announcing(settings)
        self._wanted = REQUESTED | self._announcing.headers
        self._pool: Pool[_Job] = Pool(settings.action_concurrency, self._perform)
        self._outbox: Outbox[_Work] = Outbox(client_options(settings), self._sent, self._not_sent)
        self._progress: dict[int, Progress] = {}
        self._works: dict[tuple[int, int], _Work] = {}
        self._acknowledged = asyncio.Event()
        self._told: Counter[str] = Counter()

    async def start(self) -> None:
        """Connect."""
        await self._outbox.start()
        await self._world.start()

    async def stop(self) -> None:
        """Give up what still runs, since nobody waits any longer, and disconnect."""
        await self._pool.stop()
        await self._world.stop()
        await self._outbox.stop()

    def status(self) -> dict[str, int]:
        """Answers by outcome, and what is taken and not answered."""
        return {**self.outcomes, "running": sum(w.running for w in self._works.values()), "pending": len(self._works)}

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        oldest = next(iter(self._works.values()), None)
        return [
            *(Sample("weir_actions_answers_total", count, (outcome,)) for outcome, count in self.outcomes.items()),
            *(Sample("weir_action_seconds", took, labels) for labels, took in self.took.items()),
            Sample("weir_actions_running", sum(work.running for work in self._works.values())),
            Sample("weir_actions_pending", len(self._works)),
            Sample("weir_actions_oldest_seconds", 0.0 if oldest is None else time.monotonic() - oldest.taken_at),
        ]

    async def summarise(self) -> None:
        """A line, when something happened since the last."""
        if self.outcomes != self._told:
            self._told = self.outcomes.copy()
            log.info("performed", **self.status())

    async def run(self, batch: transport.Batch) -> None:
        """Take the requests of a batch."""
        tp = batch.tp
        progress = self._progress.setdefault(tp.partition, Progress(batch.start))
        async with batch.transaction():
            for record in batch.records:
                if not self._wanted.isdisjoint(record.headers):
                    if not await self._has_room(batch):
                        return  # the partition is given up; its next owner goes on here
                    self._take(tp, record, progress)
            progress.pass_to(batch.end)
            self._keep(tp)

    async def revoked(self, partition: int) -> None:
        """Let running actions end, so that their answers count, and forget the others."""
        for work, _ in self._pool.take_back(lambda job: job[0].tp.partition == partition):
            del self._works[partition, work.offset]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while any(of == partition for of, _ in self._works):
                    await self._acknowledged.wait()
        self._progress.pop(partition, None)

    # ---- requests

    async def _has_room(self, batch: transport.Batch) -> bool:
        """Wait until few enough requests are pending; false when the partition is given up before."""
        while len(self._works) >= MAX_PENDING:
            if batch.dropped:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def _take(self, tp: TopicPartition, record: transport.Record, progress: Progress) -> None:
        progress.begin(record.offset)
        if (tp.partition, record.offset) in self._works:
            return  # the partition went and came back while the action ran
        work = self._works[tp.partition, record.offset] = _Work(tp, record.offset)
        try:
            if REQUESTED.isdisjoint(record.headers):
                self._pool.put((work, self._announcing.requests(record.value)))
            else:
                requested = decode_requested(record.value)
                if self._tracer is not None:
                    work.trace = ActionTrace.of(self._tracer, record.headers, requested)
                self._pool.put((work, requested))
        except UpgradeError as error:
            exit_process(str(error))
        except BadRecordError as error:
            self._bury(work, record, str(error))

    def _bury(self, work: _Work, record: transport.Record, reason: str) -> None:
        work.running, work.outcome = True, "dead"
        letter = DeadLetter.of(record, work.tp.topic, work.tp.partition, reason, ROLE)
        self._outbox.put(self._dead_letters, letter.record(int(time.time() * 1000)), work)

    async def _perform(self, job: _Job) -> None:
        work, requested = job
        work.running = True
        if isinstance(requested, list):  # nobody waits for what becomes of an announcement
            work.outcome = await announced(requested, self._performing.answer, asyncio.sleep, is_transient)
            self._sent([work])
            return
        if (trace := work.trace) is not None:
            trace.begins()
        began = time.perf_counter()
        work.outcome, answer = await self._performing.answer(requested)
        ended = "completed" if work.outcome == "completed" else "failed"
        self.took[requested.action, ended].observe(time.perf_counter() - began)
        to = TopicPartition(self._commands, work.tp.partition)
        headers = () if trace is None else trace.answered(work.outcome)
        self._outbox.put(to, (requested.instance_id.encode(), answer, headers), work)

    # ---- answers

    def _sent(self, works: Sequence[_Work]) -> None:
        for work in works:
            self.outcomes[work.outcome] += 1
            if work.trace is not None:
                work.trace.sent()
            del self._works[work.tp.partition, work.offset]
            if (progress := self._progress.get(work.tp.partition)) is not None:
                progress.finish(work.offset)
        for tp in {work.tp for work in works if work.tp.partition in self._progress}:
            self._keep(tp)
        self._acknowledged.set()
        self._acknowledged = asyncio.Event()

    def _not_sent(self, work: _Work, error: Exception) -> None:
        exit_process(f"the answer to {work.tp.topic}[{work.tp.partition}] at {work.offset} cannot be sent", error)

    def _keep(self, tp: TopicPartition) -> None:
        assert self.source is not None
        self.source.store_offset(tp, self._progress[tp.partition].position)


def build(settings: Settings) -> RoleApp:
    """The Faust app of the action worker role."""
    topics = load_topics(settings)
    app, tx = make_app(settings, ROLE, topics, batch_timeout_s=HOLD_S)
    tracer = make_tracer(settings, ROLE)
    worker = ActionWorker(settings, topics, tracer)
    kept = transport.KeptPositions(client_options(settings), topics.positions.name, group_of(settings, ROLE))
    worker.source = source = tx.source(
        app.topic(topics.events.name, partitions=topics.partitions, key_type=bytes, value_type=bytes),
        positions=transport.GroupPositions(missing="fatal", transactional=False, kept=kept),
        on_revoked=worker.revoked,
    )

    @app.agent(source.topic, concurrency=topics.partitions)  # type: ignore[untyped-decorator]
    async def perform(stream: faust.Stream) -> None:
        async for batch in transport.batches(stream, max_records=MAX_RECORDS):
            await worker.run(batch)

    app.timer(SUMMARY_S)(worker.summarise)
    app.watched.sample(worker.samples)
    app.accompany(kept.start, kept.stop)
    app.traced_by(tracer)
    app.accompany(worker.start, worker.stop)
    return app


def run(settings: Settings) -> None:
    """Work until told to stop."""
    guard_output(settings.secrets() | Secrets.of(settings).all())
    transport.run(build(settings), log_level=settings.log_level)
