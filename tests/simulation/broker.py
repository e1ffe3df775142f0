"""The simulated broker with what time does to it: markers that come late, transactions that expire, groups.

What a request does is ``streams.transport.memory_broker``'s, which has the contract of the real one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from streams.transport.memory_broker import MemoryBroker, Producer, Transaction
from streams.transport.port import TopicPartition
from tests.simulation.group import Group
from tests.simulation.network import Network

TRANSACTION_TIMEOUT_S = 20.0
EXPIRES_EVERY_S = 2.0


class Broker(MemoryBroker):
    """One broker and its group coordinator."""

    def __init__(self, network: Network, epoch: float) -> None:
        loop = asyncio.get_event_loop()
        super().__init__(lambda: epoch + loop.time())
        self.network = network
        self.lose: Callable[[], str] | None = None
        """Called once, at the end of the next transaction: what is lost of it, the ``request`` or the ``answer``."""
        self.members: dict[str, Group] = {}
        self.longest_open_s: defaultdict[str, float] = defaultdict(float)
        """By topic, for how long a transaction has kept what stands behind it from readers."""
        network.at(EXPIRES_EVERY_S, self._expire)

    def group(self, name: str) -> Group:
        """A consumer group."""
        found = self.members.get(name)
        if found is None:
            found = self.members[name] = Group(self, name)
        return found

    def loses(self) -> str:
        """What is lost of the end of this transaction; mostly nothing."""
        lose, self.lose = self.lose, None
        return "" if lose is None else lose()

    async def opened(self, transactional_id: str) -> int:
        """InitProducerId: answers when nothing of the predecessor is open."""
        epoch = self.init_producer(transactional_id)
        await self.free(transactional_id)
        return epoch

    async def free(self, transactional_id: str) -> None:
        """Until the producer may begin another transaction."""
        while self.is_ending(transactional_id):
            await self.network.travel()

    def mark(self, producer: Producer, transaction: Transaction) -> None:
        """Each partition gets its marker in a while, the group its offsets behind the last one."""
        left = sorted(transaction.partitions)

        def next_marker() -> None:
            if left:
                self.mark_partition(transaction, left.pop())
            if left:
                self.network.later(next_marker)
            else:
                self.settle(producer, transaction)

        self.network.later(next_marker)

    def mark_partition(self, transaction: Transaction, tp: TopicPartition) -> None:
        """Its records, and those behind them, can be read from now on."""
        open_s = self.clock() - transaction.began_at
        self.longest_open_s[tp.topic] = max(self.longest_open_s[tp.topic], open_s)
        super().mark_partition(transaction, tp)

    def _expire(self) -> None:
        self.expire(TRANSACTION_TIMEOUT_S)
        self.network.at(asyncio.get_running_loop().time() + EXPIRES_EVERY_S, self._expire)
