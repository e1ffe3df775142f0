"""Who works on which partitions: the members of a role's consumer group as the broker knows them, wherever they run."""

from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import for_code

from streams.transport.port import TopicPartition

GENERATED = 37
"""Length of what the broker appends to a static member's id: ``-`` and a UUID."""


@dataclass(frozen=True)
class Member:
    """One worker of a role; ``partitions`` include those of changelogs.  ``host`` is where it connects from."""

    member_id: str
    host: str
    partitions: frozenset[TopicPartition]

    @property
    def static_id(self) -> str:
        """Its ``WEIR_MEMBER_ID``, if it has one."""
        return self.member_id[:-GENERATED]


async def members_of(admin: AIOKafkaAdminClient, group: str) -> list[Member]:
    """The members of a group, by id; none of one that nobody has joined.  Raises ``KafkaError``."""
    (answer,) = await admin.describe_consumer_groups([group])
    found = []
    for code, _name, _state, _type, _protocol, members, *_authorized in answer.groups:
        if code:
            raise for_code(code)
        for member_id, _client, host, _metadata, assignment in members:
            assigned = ConsumerProtocolMemberAssignment.decode(assignment).partitions() if assignment else []
            partitions = frozenset(TopicPartition(*tp) for tp in assigned)
            found.append(Member(member_id, host.removeprefix("/"), partitions))
    return sorted(found, key=lambda member: member.member_id)
