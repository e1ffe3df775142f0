"""How far each stage is behind, in records and in seconds, and whether retention will overtake it.

    router      telemetry topics     its group's offsets (written at least every 5 s)
    processor   process-commands     its group's offsets (written every second, behind the table's position)
    actions     process-events       its group's offsets (every second)
    station     people's topics      the database's positions, which are exact
    projector   everything it reads  the database's positions, which are exact
    bridge      MQTT                 asked from its own web endpoint: what is under way is in no topic

So at rest everything is zero a few seconds after the last record.  ``Lags`` keeps its connections for who asks again.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka import client_options
from streams.lag import Lag, LagProbe, opened, total
from streams.retention import problems, read_retentions
from streams.settings import Settings
from streams.topics import STATION_INPUTS, STATION_TOPICS, Topic, Topics, group_of
from streams.transport.port import TopicPartition
from weir.bridge_lag import ask_bridge
from weir.database import NoSchemaError, UnreachableError, connected
from weir.members import Member, members_of

_PROJECTED = "SELECT topic, partition, position FROM projection_positions"
_TAKEN_IN = "SELECT topic, partition, position FROM station_positions"
Positions = dict[TopicPartition, int | None]


@dataclass(frozen=True)
class StageLag:
    """One stage on one topic; ``records`` and ``seconds`` as in ``streams.lag.Lag``, ``None`` when nobody knows."""

    stage: str
    topic: str
    records: int | None
    seconds: float | None
    margin_s: float | None = None
    """The projector on telemetry: seconds until the oldest reading that is not projected may be deleted."""


@dataclass(frozen=True)
class WorkerLag:
    """One worker of a stage: how far it is behind on its partitions (how many there are)."""

    stage: str
    member: Member
    partitions: int
    records: int
    seconds: float | None


@dataclass(frozen=True)
class Behind:
    """All stages and their workers, and in words: what is going to be lost, or could not be asked."""

    stages: list[StageLag]
    warnings: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    workers: list[WorkerLag] = field(default_factory=list)


class Lags:
    """Asks Kafka and the database.  An async context manager; raises ``KafkaError`` when no broker is there."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings, self._topics = settings, topics
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._probe: LagProbe = await stack.enter_async_context(opened(self._settings))
            self._admin = AIOKafkaAdminClient(**client_options(self._settings))
            stack.push_async_callback(self._admin.close)
            await self._admin.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def commands(self) -> Lag:
        """Of the processor: how long a command that is sent now waits.  Raises ``KafkaError``."""
        positions = await self._grouped("processor", [self._topics.commands])
        return total((await self._probe.look(positions)).values())

    async def behind(self) -> Behind:
        """Every stage.  Raises ``KafkaError``; a database that is away leaves the projector's lags unknown."""
        topics, unknown = self._topics, []
        telemetry = list(topics.telemetry.values())
        positions = {
            "router": await self._grouped("router", telemetry),
            "processor": await self._grouped("processor", [topics.commands]),
            "actions": await self._grouped("actions", [topics.events]),
        }
        projected = [topics.events, topics.definitions, topics.audit, *telemetry]
        try:
            positions["projector"] = await self._stored(_PROJECTED, projected)
            if topics.telemetry.keys() >= STATION_TOPICS:
                positions["station"] = await self._stored(_TAKEN_IN, [topics.telemetry[one] for one in STATION_INPUTS])
        except (UnreachableError, NoSchemaError) as error:
            unknown.append(f"how far the projector is behind: {error}")
        found = {stage: await self._probe.look(of_stage) for stage, of_stage in positions.items()}
        retentions = await read_retentions(self._settings, topics)
        stages = [_stage(stage, topic, lags) for stage, lags in found.items() for topic in _topics_of(lags)]
        if self._settings.web_ports:
            stages.insert(0, StageLag("bridge", "MQTT", *(await ask_bridge(self._settings) or (None, None))))
        if "projector" not in found:
            stages += [StageLag("projector", topic.name, None, None) for topic in projected]
        warnings = problems(topics, retentions)
        for number, one in enumerate(stages):
            if one.stage == "projector" and one.topic in topics.telemetry:
                retention = retentions[one.topic]
                margin_s = retention.margin_s(one.seconds)
                stages[number] = StageLag(one.stage, one.topic, one.records, one.seconds, margin_s)
                if (warning := retention.warning(one.seconds)) is not None:
                    warnings.append(warning)
        return Behind(stages, warnings, unknown, await self._workers(found))

    async def _workers(self, found: Mapping[str, Mapping[TopicPartition, Lag]]) -> list[WorkerLag]:
        workers = []
        for stage, lags in found.items():
            for member in await members_of(self._admin, group_of(self._settings, stage)):
                own = [lag for tp, lag in lags.items() if tp in member.partitions]
                workers.append(WorkerLag(stage, member, len(own), *total(own)))
        return workers

    async def _grouped(self, role: str, topics: list[Topic]) -> Positions:
        committed = await self._admin.list_consumer_group_offsets(group_of(self._settings, role))
        offsets = {TopicPartition(*tp): found.offset for tp, found in committed.items() if found.offset >= 0}
        return {tp: offsets.get(tp) for topic in topics for tp in _partitions(topic)}

    async def _stored(self, query: str, topics: list[Topic]) -> Positions:
        async with connected(self._settings) as connection:
            rows = await connection.fetch(query)
        positions = {TopicPartition(row["topic"], row["partition"]): row["position"] for row in rows}
        return {tp: positions.get(tp) for topic in topics for tp in _partitions(topic)}


def _partitions(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


def _topics_of(lags: Mapping[TopicPartition, Lag]) -> list[str]:
    return list(dict.fromkeys(tp.topic for tp in lags))


def _stage(stage: str, topic: str, lags: Mapping[TopicPartition, Lag]) -> StageLag:
    records, seconds = total(lag for tp, lag in lags.items() if tp.topic == topic)
    return StageLag(stage, topic, records, seconds)


async def ask_lags(settings: Settings, topics: Topics) -> Behind:
    """Every stage, once; what cannot be reached is told, not raised."""
    try:
        async with Lags(settings, topics) as lags:
            return await lags.behind()
    except KafkaError as error:
        return Behind([], [], [f"how far the stages are behind: {type(error).__name__}: {error}"])
