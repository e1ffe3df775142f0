"""What the projector asks of Kafka besides records: the ids of topics, and where their partitions begin.

The id tells a topic from one of the same name that was made after it was deleted (KIP-516).  aiokafka's own metadata
request is too old to bring it, so the newer one is spelled out here, from Kafka's ``MetadataRequest.json`` and
``MetadataResponse.json``, version 12.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Protocol
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from streams.kafka import client_options
from streams.log import beginnings
from streams.settings import Settings
from streams.transport.port import TopicPartition


class TopicLog(Protocol):
    """The log, seen from the projector when partitions are assigned to it."""

    async def ids(self, topics: Sequence[str]) -> dict[str, str | None]:
        """The id of each topic; ``None`` when the broker does not know ids."""
        ...

    async def starts(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each partition still holds."""
        ...


class KafkaTopicLog:
    """Asks the broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ids(self, topics: Sequence[str]) -> dict[str, str | None]:
        """Raises ``KafkaError``, among others for a topic that does not exist."""
        client = AIOKafkaClient(**client_options(self._settings))
        try:
            await client.bootstrap()  # within: a rebalance may cancel it
            response = await client.send(client.get_random_node(), _MetadataRequest(topics))
        except (IncompatibleBrokerVersion, NotImplementedError):
            return dict.fromkeys(topics)
        finally:
            await client.close()
        found: dict[str, str | None] = {}
        for code, name, topic_id, *_rest in response.topics:
            if code:
                raise for_code(code)(f"topic {name}")
            found[name] = str(topic_id)
        if missing := set(topics) - set(found):
            raise UnknownTopicOrPartitionError(f"topics {sorted(missing)}")
        return found

    async def starts(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Raises ``KafkaError``."""
        return await beginnings(self._settings, tps)


class FixedTopicLog:
    """Answers what it was told: for a replay, and for tests."""

    def __init__(self, ids: dict[str, str | None], starts: dict[TopicPartition, int] | None = None) -> None:
        self.topic_ids, self.first_offsets = ids, starts or {}

    async def ids(self, topics: Sequence[str]) -> dict[str, str | None]:
        """Raises ``KeyError`` for a topic it was not told of."""
        return {topic: self.topic_ids[topic] for topic in topics}

    async def starts(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """0 for partitions it was not told of."""
        return {tp: self.first_offsets.get(tp, 0) for tp in tps}


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]  # aiokafka has no types
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_TEXT = CompactString("utf-8")


class _MetadataResponse12(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("in_sync", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequest12(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequest12]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequest12]) -> _MetadataRequest12:
        no_tags: dict[int, bytes] = {}
        topics = [(UUID(int=0), name, no_tags) for name in self._topics]
        return request_struct_class(topics, False, False, no_tags)
