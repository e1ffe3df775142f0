"""The topics of ``redpanda/topics.yaml``: what there is, and how it comes into being.

``load_topics`` reads the file for every role; ``apply_topics`` makes the cluster agree with it, idempotently, through
Kafka's admin API.  A topic that exists with another partition count or policy is reported and left as it is: to change
it is a decision for people.  Nothing relies on auto-creation.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CommitFailedError, for_code
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streams.core.document import TextError, read_yaml
from streams.core.ids import MAX_PARTITIONS
from streams.core.misfit import bare
from streams.core.triggers.station import STATION_TOPIC
from streams.kafka import client_options
from streams.settings import Settings

Partitions = Annotated[int, Field(ge=1, le=MAX_PARTITIONS)]
Role = Literal["commands", "events", "changelog", "rejections", "definitions", "dead_letters", "positions", "audit"]
TABLE = "instances"
STATION_INPUTS = ("positions", "messages")
STATION_TOPICS = frozenset({*STATION_INPUTS, STATION_TOPIC})
"""Telemetry topics that the station needs: what it reads, and what it writes."""


class TopicsError(Exception):
    """``topics.yaml`` cannot be used, or the cluster refused a topic; the message says which and why."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    partitions: Partitions | None = None
    config: dict[str, str | int | float] = {}


class _TelemetryEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    partitions: Partitions | None = None
    mqtt: str | None = None
    config: dict[str, str | int | float] = {}


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    partitions: Partitions = 16
    replication: Annotated[int, Field(ge=1)] = 1
    engine: dict[Role, _Entry]
    telemetry: dict[str, _TelemetryEntry] = {}


@dataclass(frozen=True)
class Topic:
    """One topic; ``config`` holds Kafka's topic settings as text, ``mqtt`` the filter that the bridge carries into
    it.
    """

    name: str
    partitions: int
    replication: int
    config: dict[str, str] = field(default_factory=dict)
    mqtt: str | None = None


@dataclass(frozen=True)
class Topics:
    """All topics of an app."""

    commands: Topic
    events: Topic
    changelog: Topic
    rejections: Topic
    definitions: Topic
    dead_letters: Topic
    positions: Topic
    audit: Topic
    telemetry: dict[str, Topic]

    @property
    def partitions(self) -> int:
        """P: the partitions of commands, events and changelog."""
        return self.commands.partitions

    @property
    def mqtt_routes(self) -> dict[str, str]:
        """The telemetry topics by the MQTT filter that the bridge carries into them, in the order of the file."""
        return {topic.mqtt: topic.name for topic in self.telemetry.values() if topic.mqtt is not None}

    def all(self) -> list[Topic]:
        """Every topic, the engine's own first."""
        truth = [self.commands, self.events, self.changelog, self.definitions]
        return [*truth, self.rejections, self.dead_letters, self.positions, self.audit, *self.telemetry.values()]


@dataclass(frozen=True)
class Applied:
    """What ``apply_topics`` found: names of topics made, names already right, and in words: what differs, and what the
    broker has no such setting for (a Kafka of another make), which is nobody's to change.
    """

    created: list[str]
    unchanged: list[str]
    differences: list[str]
    unsupported: list[str]


def load_topics(settings: Settings) -> Topics:
    """Read ``settings.topics_file``.  Raises ``TopicsError`` naming the file and the field."""
    path: Path = settings.topics_file
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
        file = _File.model_validate(document.data)
    except FileNotFoundError:
        raise TopicsError(f"{path}: not there. Set WEIR_TOPICS_FILE to your topics.yaml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TopicsError(f"{path}: Expected a text file in UTF-8, but got: {error}") from None
    except TextError as error:
        place = f"{path}:{error.mark.line + 1}:{error.mark.column + 1}"
        raise TopicsError(f"{place}: {error}{f'. {error.fix}' if error.fix else ''}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise TopicsError(f"{path}: {'.'.join(map(str, first['loc']))}: {bare(first['msg'])}") from None
    shared = settings.partitions or file.partitions

    def engine(role: Role) -> Topic:
        try:
            entry = file.engine[role]
        except KeyError:
            raise TopicsError(f"{path}: engine.{role} is missing") from None
        name = entry.name.replace("${app}", settings.app_id)
        return Topic(name, entry.partitions or shared, file.replication, _texts(entry.config))

    return Topics(
        commands=engine("commands"),
        events=engine("events"),
        changelog=engine("changelog"),
        rejections=engine("rejections"),
        definitions=engine("definitions"),
        dead_letters=engine("dead_letters"),
        positions=engine("positions"),
        audit=engine("audit"),
        telemetry={
            name: Topic(name, entry.partitions or shared, file.replication, _texts(entry.config), entry.mqtt)
            for name, entry in file.telemetry.items()
        },
    )


def _texts(config: dict[str, str | int | float]) -> dict[str, str]:
    return {key: str(value) for key, value in config.items()}


async def apply_topics(settings: Settings, topics: Topics) -> Applied:
    """Create the missing topics, and the positions at which their readers begin; compare the others.

    The router and the action worker never guess where to begin: their group offsets are born here, at 0, with the
    topic.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics.all() if topic.name not in existing]
        await _create(admin, missing)
        present = [topic for topic in topics.all() if topic.name in existing]
        differences, unsupported = await _differences(admin, present)
    finally:
        await admin.close()
    made = {topic.name for topic in missing}
    if topics.events.name in made:
        await _begin_at_zero(settings, group_of(settings, "actions"), topics.events)
    for topic in topics.telemetry.values():
        if topic.name in made:
            await _begin_at_zero(settings, group_of(settings, "router"), topic)
    unchanged = [topic.name for topic in present if not any(text.startswith(f"{topic.name}:") for text in differences)]
    return Applied([topic.name for topic in missing], unchanged, differences, unsupported)


def group_of(settings: Settings, role: str) -> str:
    """The consumer group (and Faust app id) of a role; the processor's is the app id itself."""
    return settings.app_id if role == "processor" else f"{settings.app_id}-{role}"


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    if not topics:
        return
    request = [
        NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=topic.config) for topic in topics
    ]
    response = await admin.create_topics(request)
    for name, code, *detail in response.topic_errors:
        if code:
            raise TopicsError(f"{name}: the broker refused to create it: {for_code(code).__name__} {detail}")


async def _differences(admin: AIOKafkaAdminClient, topics: list[Topic]) -> tuple[list[str], list[str]]:
    """What differs, and what the broker does not support; both name topic and setting."""
    if not topics:
        return [], []
    differences: list[str] = []
    unsupported: list[str] = []
    counts = {d["topic"]: len(d["partitions"]) for d in await admin.describe_topics([t.name for t in topics])}
    configs = await topic_configs(admin, topics)
    for topic in topics:
        if counts[topic.name] != topic.partitions:
            differences.append(
                f"{topic.name}: has {counts[topic.name]} partitions, topics.yaml says {topic.partitions}"
            )
        actual = configs[topic.name]
        for key, wanted in topic.config.items():
            if key not in actual:  # Redpanda creates such a topic without a word, where Apache Kafka refuses
                unsupported.append(f"{topic.name}: {key}={wanted}")
            elif actual[key] != wanted:
                differences.append(f"{topic.name}: {key} is {actual[key]}, topics.yaml says {wanted}")
    return differences, unsupported


async def topic_configs(admin: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, dict[str, str]]:
    """The settings of each topic as the broker has them, by topic."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _code, _message, _type, name, entries in response.resources:
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


async def _begin_at_zero(settings: Settings, group: str, topic: Topic) -> None:
    begin = {TopicPartition(topic.name, number): 0 for number in range(topic.partitions)}
    consumer = AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **client_options(settings))
    await consumer.start()
    try:
        consumer.assign(list(begin))
        await consumer.commit(begin)
    except CommitFailedError:  # the group is at work: Kafka takes offsets from its members, and in transactions
        await _begin_in_transaction(settings, group, begin)
    finally:
        await consumer.stop()


async def _begin_in_transaction(settings: Settings, group: str, begin: dict[TopicPartition, int]) -> None:
    producer = AIOKafkaProducer(transactional_id=f"{group}-begin", **client_options(settings))
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_offsets_to_transaction(begin, group)
    finally:
        await producer.stop()
