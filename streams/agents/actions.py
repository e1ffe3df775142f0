"""The action worker: ``process-events`` ─► ``action_requested`` ─► ``streams.performing`` ─► ``process-commands``.

Requests are performed at the same time, up to ``action_concurrency`` of them; each answer goes to the partition of its
event.  The position of a partition is the lowest request without an answer that Kafka has acknowledged, so a request is
performed at least once, and again after a crash: with the same idempotency key.
"""

import asyncio
import time
import uuid
from collections import Counter, OrderedDict
from dataclasses import dataclass

import faust
import structlog
from aiokafka import AIOKafkaProducer

from streams import transport
from streams.actions import Connections, performers
from streams.actions.publisher import MqttPublisher
from streams.app import RoleApp, make_app
from streams.codec import BadRecordError, UpgradeError
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import DeadLetter
from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.performing import Performing, Requested, decode_requested
from streams.settings import Settings
from streams.topics import Topics, group_of, load_topics
from streams.transport.fatal import exit_process

ROLE = "actions"
REQUESTED = ("ce_type", b"action_requested")
MAX_RECORDS = 1_000
MAX_PENDING = 2_000
"""Requests taken and not answered, of all partitions; no more are taken beyond."""
MAX_REQUEST_BYTES = 2 * 1024 * 1024
LOOK_S = 0.02
DRAIN_S = 2.0
"""How long a partition that is given up waits for its running actions; they go on, but another worker repeats them."""
CLOSE_S = 2.0
HOLD_S = 86_400.0
"""How long a batch may wait for room: until actions before it end, which their own time limits see to."""
SUMMARY_S = 30.0

log = structlog.get_logger("weir.actions")


class Progress:
    """How far a partition is: the lowest offset that is not finished, else the next to read."""

    def __init__(self, position: int) -> None:
        self._next = position
        self._open: OrderedDict[int, None] = OrderedDict()

    @property
    def position(self) -> int:
        return next(iter(self._open), self._next)

    def begin(self, offset: int) -> None:
        """The request at ``offset`` was taken."""
        self._open[offset] = None
        self._next = offset + 1

    def pass_to(self, offset: int) -> None:
        """Nothing before ``offset`` is left to be taken."""
        self._next = offset

    def finish(self, offset: int) -> None:
        """The request at ``offset`` is answered."""
        self._open.pop(offset, None)


@dataclass(slots=True, eq=False)
class _Work:
    """A request that was taken: it waits for a slot, then runs."""

    tp: transport.TopicPartition
    offset: int
    running: bool = False
    task: asyncio.Task[None] | None = None


class ActionWorker:
    """Performs the requests of this worker's partitions."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        clock, group = settings.plant_clock, group_of(settings, ROLE)
        self.outcomes: Counter[str] = Counter()
        """Answers since the start of the process: ``completed``, or by the error's type."""
        self.source: transport.Source | None = None
        self._settings, self._topics = settings, topics
        self._publisher = MqttPublisher(MqttAddress.parse(settings.mqtt_url), f"{group}-{uuid.uuid4().hex[:8]}")
        connections = Connections(self._publisher, plant_ms=lambda: clock.plant_ms(time.time() * 1000))
        self._performing = Performing(performers(connections), clock)
        self._slots = asyncio.Semaphore(settings.action_concurrency)
        self._producer: AIOKafkaProducer | None = None
        self._progress: dict[int, Progress] = {}
        self._works: dict[tuple[int, int], _Work] = {}
        self._told: Counter[str] = Counter()

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES, **client_options(self._settings)
        )
        await self._producer.start()
        await self._publisher.start()

    async def stop(self) -> None:
        """Give up what still runs, since nobody waits any longer, and disconnect."""
        await self._cancel(list(self._works.values()))
        await self._publisher.stop()
        if self._producer is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._producer.stop()
            except TimeoutError:
                log.warning("left answers unsent: their actions are performed again")

    def status(self) -> dict[str, int]:
        """Answers by outcome, and what is taken and not answered."""
        return {**self.outcomes, "running": sum(w.running for w in self._works.values()), "pending": len(self._works)}

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
                if REQUESTED in record.headers:
                    if not await self._has_room(batch):
                        return  # the partition is given up; its next owner goes on here
                    self._take(tp, record, progress)
            progress.pass_to(batch.end)
            self._keep(tp)

    async def revoked(self, partition: int) -> None:
        """Let running actions end, so that their answers count, and forget the others."""
        works = [work for work in self._works.values() if work.tp.partition == partition]
        await self._cancel([work for work in works if not work.running])
        running = [work.task for work in works if work.running and work.task is not None]
        if running:
            await asyncio.wait(running, timeout=DRAIN_S)
        self._progress.pop(partition, None)

    # ---- one request

    def _take(self, tp: transport.TopicPartition, record: transport.Record, progress: Progress) -> None:
        progress.begin(record.offset)
        if (tp.partition, record.offset) in self._works:
            return  # the partition went and came back while the action ran
        work = _Work(tp, record.offset)
        try:
            todo = self._perform(work, decode_requested(record.value))
        except UpgradeError as error:
            exit_process(str(error))
        except BadRecordError as error:
            todo = self._bury(work, record, str(error))
        self._works[tp.partition, record.offset] = work
        work.task = asyncio.create_task(todo)
        work.task.add_done_callback(lambda task: self._ended(work, task))

    async def _perform(self, work: _Work, requested: Requested) -> None:
        async with self._slots:
            work.running = True
            outcome, answer = await self._performing.answer(requested)
        await self._send(self._topics.commands.name, work.tp.partition, requested.instance_id.encode(), answer, [])
        self.outcomes[outcome] += 1

    async def _bury(self, work: _Work, record: transport.Record, reason: str) -> None:
        work.running = True
        letter = DeadLetter.of(record, work.tp.topic, work.tp.partition, reason, ROLE)
        key, value, headers = letter.record(int(time.time() * 1000))
        await self._send(self._topics.dead_letters.name, DEAD_LETTERS_PARTITION, key, value, headers)
        self.outcomes["dead"] += 1

    async def _send(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        assert self._producer is not None
        await (await self._producer.send(topic, value, key, partition, headers=headers))

    def _ended(self, work: _Work, task: asyncio.Task[None]) -> None:
        del self._works[work.tp.partition, work.offset]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            exit_process(f"the answer to {work.tp.topic}[{work.tp.partition}] at {work.offset} cannot be sent", error)
        if (progress := self._progress.get(work.tp.partition)) is not None:
            progress.finish(work.offset)
            self._keep(work.tp)

    def _keep(self, tp: transport.TopicPartition) -> None:
        assert self.source is not None
        self.source.store_offset(tp, self._progress[tp.partition].position)

    async def _has_room(self, batch: transport.Batch) -> bool:
        """Wait until few enough requests are pending; false when the partition is given up before."""
        while len(self._works) >= MAX_PENDING:
            if batch.dropped:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    @staticmethod
    async def _cancel(works: list[_Work]) -> None:
        tasks = [work.task for work in works if work.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def build(settings: Settings) -> RoleApp:
    """The Faust app of the action worker role."""
    topics = load_topics(settings)
    app, tx = make_app(settings, ROLE, topics, batch_timeout_s=HOLD_S)
    worker = ActionWorker(settings, topics)
    worker.source = source = tx.source(
        app.topic(topics.events.name, partitions=topics.partitions, key_type=bytes, value_type=bytes),
        positions=transport.GroupPositions(missing="fatal", transactional=False),
        on_revoked=worker.revoked,
    )

    @app.agent(source.topic, concurrency=topics.partitions)  # type: ignore[untyped-decorator]
    async def perform(stream: faust.Stream) -> None:
        async for batch in transport.batches(stream, max_records=MAX_RECORDS):
            await worker.run(batch)

    app.timer(SUMMARY_S)(worker.summarise)
    app.accompany(worker.start, worker.stop)
    return app


def run(settings: Settings) -> None:
    """Work until told to stop."""
    transport.run(build(settings), log_level=settings.log_level)
