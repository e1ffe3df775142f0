"""The processes: each role's own code, with the simulated broker, database and MQTT where it meets the world.

``streams/agents`` and ``projections/app.py`` build the same around Faust.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import aiomqtt

from projections.dead_letters import DeadLetterTopic
from projections.feeds import feeds_of
from projections.projector import Projector
from projections.topic_log import FixedTopicLog
from streams import transport
from streams.agents.actions import HOLD_S, ActionWorker
from streams.agents.processor import Processor
from streams.agents.router import TelemetryRouter
from streams.agents.station import LOOK_S, StationWorker
from streams.bridging import Bridge, first_of
from streams.database import Database
from streams.monitoring.transport import TransportMonitor
from streams.mqtt_routes import Routes
from streams.processing import PartitionProcessor
from streams.topics import STATION_INPUTS, group_of
from streams.transport.batch import Batch
from streams.transport.memory import MemoryTable
from streams.transport.options import Counters, PartitionStatus, TransportOptions
from streams.transport.source import Source
from tests.simulation import kafka, mqtt
from tests.simulation.broker import Broker
from tests.simulation.member import Member
from tests.simulation.process import Process
from tests.simulation.site import PARTITIONS, settings, station_topics, topics

MAX_RECORDS = 20
"""Less than in production, so that there are many batches."""
RECONNECT_S = 0.3
FAR_S = 600.0
"""Timers that are due later are not waited for: a process may take days until it times out, and a pattern forgets a key
after an hour."""


class Services(NamedTuple):
    """What roles reach."""

    broker: Broker
    plant: mqtt.Mqtt


Run = Callable[[Batch], Awaitable[None]]


class Running:
    """A role in a process; ``member`` once it is in its group."""

    def __init__(self, process: Process, services: Services) -> None:
        self.process, self.services = process, services
        self.member: Member | None = None
        self.pending: Callable[[], object] = lambda: None
        """What the role still has to do, besides reading its input; false for nothing."""
        self.stop: Callable[[], Awaitable[None]] = _nothing
        """Called when nothing is taken in any more."""

    def source(self, name: str, positions: Any, **options: Any) -> Source:
        """``Transport.source``."""
        patience = options.pop("batch_timeout_s", TransportOptions.batch_timeout_s)
        return Source(
            name,
            positions,
            TransportOptions(client={}, batch_timeout_s=patience),
            Counters(),
            fatal=self.process.exit,
            clock=time.time,
            **options,
        )

    async def work(self, role: str, sources: list[tuple[Source, Run]], table: MemoryTable | None = None) -> None:
        """Have batches worked on by as many agents as there are partitions, as a member of the role's group."""
        for source, run in sources:
            for _ in range(PARTITIONS):
                self._guard(self._agent(source, run))
        options = TransportOptions(client={})
        of_group = group_of(settings(), role)
        self.member = Member(
            self.process, self.services.broker, of_group, [source for source, _ in sources], table, options
        )
        await self.member.run()

    def busy(self) -> str | None:
        """What is still to be done here; ``None`` when there is nothing."""
        if self.process.stalled:
            return "stalled"
        if pending := self.pending():
            return f"pending: {pending}"
        lanes = {} if self.member is None else self.member.held.lanes
        for tp, lane in lanes.items():
            log = self.services.broker.log(tp)
            if lane.position < log.end or lane.batch is not None:
                return f"{tp} is at {lane.position} of {log.end}"
        return None

    def status(self) -> list[PartitionStatus]:
        """``Transport.status``."""
        return [] if self.member is None else [lane.status() for lane in self.member.held.lanes.values()]

    def every(self, interval_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """``app.timer``."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(interval_s)
                await work()

        self._guard(repeat())

    async def _agent(self, source: Source, run: Run) -> None:
        async for batch in source.batches(MAX_RECORDS):
            await run(batch)

    def _guard(self, work: Any) -> None:
        """``FatalSupervisor``: an exception that escapes an agent ends the process."""

        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001
                self.process.exit("an agent crashed", error)

        asyncio.get_running_loop().create_task(guarded())


async def _nothing() -> None:
    """What needs no stop."""


async def processor(running: Running) -> None:
    role = Processor(settings(), topics())
    table = MemoryTable(topics().changelog.name)
    role.table = table  # type: ignore[assignment]
    running.pending = lambda: [one for one in role.partitions.values() if _wakes_soon(one)]
    await role.store.start()
    source = running.source(
        topics().commands.name,
        transport.TablePositions(table),
        wake_at=role.wake_at,
        on_assigned=role.assigned,
        on_revoked=role.revoked,
    )
    await running.work("processor", [(source, role.run)], table)


def _wakes_soon(processor: PartitionProcessor) -> bool:
    wake_at = processor.wake_at()
    return wake_at is not None and wake_at < time.time() + FAR_S


async def router(running: Running) -> None:
    role = TelemetryRouter(settings(), topics())
    await role.store.start()
    positions = transport.GroupPositions(missing="latest", transactional=True)
    await running.work("router", [(running.source(name, positions), role.run) for name in topics().telemetry])


async def actions(running: Running) -> None:
    role = ActionWorker(settings(), topics())
    running.pending = lambda: role.status()["pending"]
    kept = transport.KeptPositions({}, topics().positions.name, group_of(settings(), "actions"))
    await kept.start()
    await role.start()
    role.source = source = running.source(
        topics().events.name,
        transport.GroupPositions(missing="fatal", transactional=False, kept=kept),
        on_revoked=role.revoked,
        batch_timeout_s=HOLD_S,
    )
    await running.work("actions", [(source, role.run)])


async def projector(running: Running) -> None:
    names = (topics().events.name, topics().definitions.name, *topics().telemetry)
    role = Projector(
        Database(settings().database_url),
        feeds_of(topics()),
        topic_log=FixedTopicLog(dict.fromkeys(names, "id")),
        dead_letters=DeadLetterTopic(settings(), topics().dead_letters.name),
        clock=settings().plant_clock,
    )

    async def run(batch: Batch) -> None:
        async with batch.transaction():
            await role.project(batch)

    positions = transport.ExternalPositions(role.positions)
    sources = [(running.source(name, positions, batch_timeout_s=HOLD_S), run) for name in names]
    await running.work("projector", sources)  # type: ignore[arg-type]


async def bridge(running: Running) -> None:
    producer = kafka.Producer(running.services.broker)
    await producer.start()
    routes = Routes(topics(), {name: topic.partitions for name, topic in topics().telemetry.items()})
    role = Bridge(routes, producer, time.time)  # type: ignore[arg-type]
    running.pending = lambda: role.status()["under_way"]

    async def connected() -> None:
        while True:
            try:
                await role.serve(mqtt.Client(running.services.plant))  # type: ignore[arg-type]
            except aiomqtt.MqttError:
                await asyncio.sleep(RECONNECT_S)

    await first_of(connected(), role.forward(), role.failed())


async def station(running: Running) -> None:
    role, monitor = StationWorker(settings(), station_topics()), TransportMonitor(running, time.time)  # type: ignore[arg-type]
    running.stop = role.stop
    await role.start()
    running.every(LOOK_S, lambda: role.look(max(monitor.lag_s(name) for name in STATION_INPUTS)))
    positions = transport.ExternalPositions(role.intake.positions)
    sources = [(running.source(name, positions, batch_timeout_s=HOLD_S), role.run) for name in STATION_INPUTS]
    await running.work("station", sources)


ROLES: dict[str, Callable[[Running], Awaitable[None]]] = {
    "processor": processor,
    "router": router,
    "actions": actions,
    "projector": projector,
    "bridge": bridge,
    "station": station,
}
