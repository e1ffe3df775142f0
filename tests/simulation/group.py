"""The broker's side of a consumer group with eager rebalances: who is a member, and who has which partitions.

A member that joins or leaves makes every other give up all it has and join again (KIP-429 calls that eager).  A member
that is silent for a session is out; its offsets are refused from then on, its transactions by the epochs of producers.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.transport.port import PortError, TopicPartition

if TYPE_CHECKING:
    from tests.simulation.broker import Broker

SESSION_S = 6.0
REBALANCE_S = 10.0
"""How long the others wait for a member that has not joined again."""
FIRST_WAIT_S = 0.5
"""How long the first member waits for others, as ``group.initial.rebalance.delay.ms`` has it."""
STAYS = 5
"""For so many generations members keep their partitions, if they are the same ones."""

Assigned = tuple[int, list[TopicPartition]] | None
"""The generation and the partitions; ``None`` for whoever has to join again, since the group rebalances once more."""


class NotMemberError(PortError):
    """The group does not know this member any more, or not in this generation."""


@dataclass
class _Member:
    topics: tuple[str, ...]
    last_seen: float
    joining: "asyncio.Future[Assigned] | None" = None
    assigned: list[TopicPartition] = field(default_factory=list)


class Group:
    """One group."""

    def __init__(self, broker: "Broker", name: str) -> None:
        self.name, self.generation, self.rebalances = name, 0, 0
        self.disturbances: deque[float] = deque()
        """After so many seconds each of the next generations is disturbed."""
        self._broker = broker
        self._members: dict[str, _Member] = {}
        self._preparing = False
        self._checking = False

    async def join(self, member: str, topics: tuple[str, ...]) -> Assigned:
        """JoinGroup and SyncGroup: answers when all members have joined and their leader has told who has what."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Assigned] = loop.create_future()
        first = not self._members
        if not self._preparing:
            self._prepare(FIRST_WAIT_S if first else 0.0)
        known = self._members.get(member)
        if known is None:
            known = self._members[member] = _Member(topics, loop.time())
        known.joining, known.last_seen = answer, loop.time()
        self._complete_if_all(wait=first)
        self._check_later()
        return await answer

    def heartbeat(self, member: str, generation: int) -> bool:
        """Whether the group is as it was.  Raises ``NotMemberError``."""
        known = self._members.get(member)
        if known is None:
            raise NotMemberError(f"{member} is no member of {self.name}")
        known.last_seen = asyncio.get_running_loop().time()
        return generation == self.generation and not self._preparing

    def commit(self, member: str, generation: int, offsets: dict[TopicPartition, int]) -> None:
        """Keep ``offsets``.  Raises ``NotMemberError``: of another generation, or while the group rebalances."""
        if member not in self._members or generation != self.generation:
            raise NotMemberError(f"{member} of generation {generation} may not commit to {self.name}")
        self._broker.groups.setdefault(self.name, {}).update(offsets)

    def leave(self, member: str) -> None:
        """Be no member any more."""
        if self._members.pop(member, None) is not None and self._members:
            if not self._preparing:
                self._prepare(0.0)
            self._complete_if_all()

    def disturb(self) -> bool:
        """Rebalance, as when somebody comes and is gone at once; whether there is somebody to do it."""
        if self._members and not self._preparing:
            self._prepare(0.0)
        return bool(self._members)

    def _prepare(self, wait_s: float) -> None:
        for member in self._members.values():  # who waits for the leader's word hears that there will be none
            self._answer(member, None)
        self._preparing = True
        self.rebalances += 1
        round_ = self.rebalances
        now = asyncio.get_running_loop().time()
        if wait_s:
            self._broker.network.at(now + wait_s, self._complete_if_all)
        self._broker.network.at(now + REBALANCE_S, self._complete, round_)

    def _complete_if_all(self, *, wait: bool = False) -> None:
        if self._preparing and not wait and all(member.joining is not None for member in self._members.values()):
            self._complete(self.rebalances)

    def _complete(self, round_: int) -> None:
        """Give the partitions to those who have joined; the others are out."""
        if not self._preparing or round_ != self.rebalances:
            return
        self._preparing = False
        self.generation += 1
        self._members = {name: member for name, member in self._members.items() if member.joining is not None}
        names = sorted(self._members)
        for name in names:
            self._members[name].assigned = []
        topics = sorted({topic for member in self._members.values() for topic in member.topics})
        for tp in sorted(tp for tp in self._broker.logs if tp.topic in topics):
            # By number, so that the partitions of a table go with those of its input; they stay for a while.
            self._members[names[(tp.partition + self.generation // STAYS) % len(names)]].assigned.append(tp)
        # The leader hears who is there, decides, and answers.
        self._broker.network.later(self._broker.network.later, self._give, self.generation)
        if self.disturbances:
            self._broker.network.at(asyncio.get_running_loop().time() + self.disturbances.popleft(), self.disturb)

    def _give(self, generation: int) -> None:
        """The leader has told who has what, unless it came too late."""
        if generation == self.generation and not self._preparing:
            for member in self._members.values():
                self._answer(member, (generation, member.assigned))

    def _answer(self, member: _Member, what: Assigned) -> None:
        answer, member.joining = member.joining, None
        if answer is not None and not answer.done():
            answer.set_result(what)

    def _check_later(self) -> None:
        if not self._checking and self._members:
            self._checking = True
            self._broker.network.at(asyncio.get_running_loop().time() + SESSION_S / 4, self._check)

    def _check(self) -> None:
        """Sessions that have expired."""
        self._checking = False
        now = asyncio.get_running_loop().time()
        for name, member in list(self._members.items()):
            if member.joining is None and now - member.last_seen > SESSION_S:
                self.leave(name)
        self._check_later()
