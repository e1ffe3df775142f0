"""The consumer group as one of its members has it: private parts of aiokafka's coordinator, all in the consumer's loop.

``Membership.look``, every second: is there a partition that the group has assigned to nobody?

* The leader of a group assigns what it knows.  One that was not told a topic's partitions, because Kafka was coming up
  just then, assigns them to nobody, without an error; aiokafka asks again after five minutes.  Here a member that lacks
  a topic asks at once, and aiokafka has the group rebalance when the leader learns of something new.
* A leader that restarts as a static member gets back what was assigned, and leads no more.  So whoever has no part of a
  topic asks the broker what the others have; what nobody has is for the watchdog.

``leave``: a static member stays in the group when its process ends, and so keeps its place for the one that is started
next; one that ends for good leaves by name, which takes version 3 of the request.  aiokafka has 0 and 1.
"""

import asyncio
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

from streams.transport import private
from streams.transport.port import TopicPartition

ASK_OTHERS_EVERY = 5
"""Looks.  A member without a part of a topic is rare, and the question costs the broker little."""


class _LeaveResponse(Response):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "members",
            Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")), ("error_code", Int16)),
        ),
    )


class _LeaveStruct(RequestStruct):  # type: ignore[misc]
    """https://kafka.apache.org/protocol#The_Messages_LeaveGroup, version 3."""

    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = _LeaveResponse
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("members", Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")))),
    )


class StaticLeaveRequest(Request[_LeaveStruct]):  # type: ignore[misc]
    """Has the group forget a static member, whichever process is it now."""

    API_KEY = 13

    def __init__(self, group: str, instance_id: str) -> None:
        self._group, self._instance_id = group, instance_id

    def build(self, request_struct_class: type[_LeaveStruct]) -> _LeaveStruct:
        """See ``Request``."""
        return request_struct_class(self._group, [("", self._instance_id)])


async def leave(consumer: Any, *, for_good: bool) -> None:
    """Leave over the data connection: the group's own may be blocked behind a JoinGroup until the others have joined.

    A static member that does not leave ``for_good`` only ceases its heartbeats, and keeps its partitions until the
    session times out or it is back.
    """
    group = consumer._coordinator if consumer is not None else None  # noqa: SLF001
    if group is None or group.coordinator_id is None:
        return
    node, member, static = group.coordinator_id, group.member_id, group._group_instance_id  # noqa: SLF001
    closing = asyncio.ensure_future(group.close())  # first: it must not join again
    await asyncio.sleep(0)
    if static is None and member:
        await consumer._client.send(node, LeaveGroupRequest(group.group_id, member))  # noqa: SLF001
    elif static is not None and for_good:
        await consumer._client.send(node, StaticLeaveRequest(group.group_id, static))  # noqa: SLF001
    await closing


class Membership:
    """What is to be looked at of the group of ``consumer``."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._looks = 0
        self.unassigned: frozenset[TopicPartition] = frozenset()
        """Partitions of our topics that nobody has, by what the broker said last."""
        self.joined = False
        """Whether this member belongs to the present generation of the group."""

    async def look(self) -> None:
        """Look once.  Raises ``KafkaError`` when the broker does not answer."""
        consumer = self._consumer
        with private.fetch_context(consumer):
            pass  # whoever reads nothing for max_poll_interval leaves the group, and lanes read by themselves
        subscription = consumer._subscription.subscription  # noqa: SLF001
        group = consumer._coordinator  # noqa: SLF001
        if subscription is None or group is None:
            return
        self._looks += 1
        topics = set(subscription.topics) | set(group._group_subscription or ())  # noqa: SLF001
        if not all(consumer._client.cluster.partitions_for_topic(topic) for topic in topics):  # noqa: SLF001
            await consumer._client.force_metadata_update()  # noqa: SLF001
        known = group.coordinator_id is not None
        self.joined = known and group.generation > 0 and not group.need_rejoin(subscription)
        mine = {tp.topic for tp in subscription.assignment.tps} if subscription.assignment is not None else set()
        others = subscription.topics - mine
        if not others or not self.joined:
            self.unassigned = frozenset()
        elif self._looks % ASK_OTHERS_EVERY == 0:
            self.unassigned = await self._unassigned(group, others)

    async def _unassigned(self, group: Any, topics: set[str]) -> frozenset[TopicPartition]:
        client = self._consumer._client  # noqa: SLF001
        answer = await client.send(group.coordinator_id, DescribeGroupsRequest([group.group_id]))
        _, _, state, _, _, members, *_ = answer.groups[0]
        if state != "Stable":
            return frozenset()
        assigned = {
            TopicPartition(*tp)
            for _, _, _, _, assignment in members
            if assignment
            for tp in ConsumerProtocol.ASSIGNMENT.decode(assignment).partitions()
        }
        known = {
            TopicPartition(topic, number)
            for topic in topics
            for number in client.cluster.partitions_for_topic(topic) or ()
        }
        return frozenset(known - assigned)
