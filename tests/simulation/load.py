"""What users, devices and strangers do, by seed; and what they know of it afterwards, for the checker."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from streams.core.commands import DEFINITIONS_KEY, Command, DeployDefinition, StartProcess
from streams.core.ids import partition_for
from streams.transport.port import Message, TopicPartition
from tests.simulation.site import DEFINITIONS, PARTITIONS, definition, topics
from tests.simulation.world import World
from weir.verify.sent import Acknowledged, Sent

KEYS = tuple("abcdef")
KEYS_A_SEED = (2, 4)
"""Few, so that what is done meets."""
AGAIN_S = 1.0
KNOWN_WITHIN_S = 0.5
"""How long a router takes at most to hear of a definition."""
BEGINS_S, ENDS_S = 3.0, 12.0

Kind = Callable[["Load"], None]


class Load:
    """Does ``kinds`` of things with ``definitions``; ``sent`` fills as the broker acknowledges.

    ``roles`` are those that it needs besides the ones that are always there.
    """

    def __init__(self, world: World, random: Random, definitions: Sequence[str], roles: Sequence[str] = ()) -> None:
        self.sent = Sent(alone=True)
        self.under_way = 0
        self.mqtt_readings: list[bytes] = []
        self.world, self.random, self.definitions, self.roles = world, random, definitions, roles
        self.keys = random.sample(KEYS, random.randint(*KEYS_A_SEED))
        self.number = 0
        self.own: list[StartProcess] = []
        """Starts under an id of one's own."""
        self.instances: list[str] = []

    def begin(self, todo: Sequence[Kind]) -> None:
        """Deploy, and have everything in ``todo`` come in its time."""
        self.world.spawn(self._run(todo), "load")

    async def _run(self, todo: Sequence[Kind]) -> None:
        await asyncio.sleep(1.0)
        for name in self.definitions:
            self.send(DeployDefinition(definition=definition(DEFINITIONS[name][0])), DEFINITIONS_KEY)
        await self._deployed()
        loop = asyncio.get_running_loop()
        begins = max(BEGINS_S, loop.time() + KNOWN_WITHIN_S)
        for kind in todo:
            loop.call_at(max(begins, self.random.uniform(BEGINS_S, ENDS_S)), kind, self)

    async def _deployed(self) -> None:
        """A reading starts what is deployed by then: a fault may hold the deployments back."""
        log = self.world.broker.log(TopicPartition(topics().definitions.name, 0))

        def known() -> set[str]:
            return {(record.key or b"").decode().partition(":")[0] for record in log.read(0, 1_000)[0]}

        while not known().issuperset(self.definitions):  # noqa: ASYNC110  of virtual time
            await asyncio.sleep(0.1)

    # ---- for the kinds of things

    def key(self) -> str:
        """Somebody's."""
        return self.random.choice(self.keys)

    def count(self) -> int:
        """A number that nothing else has."""
        self.number += 1
        return self.number

    def again(self, kind: Callable[[], None]) -> None:
        """Do what there was nothing to do with yet a little later, while there is load."""
        loop = asyncio.get_running_loop()
        if loop.time() < ENDS_S:
            loop.call_later(AGAIN_S, kind)

    def send(self, command: Command, key: str | None = None) -> None:
        """Send, now and then to a partition that is not the command's."""
        command = msgspec.structs.replace(command, id=f"c{self.count()}")
        key = key or command.key  # type: ignore[attr-defined]
        partition = partition_for(key, PARTITIONS)
        if self.random.random() < 0.2:
            partition = (partition + 1) % PARTITIONS
        tp = TopicPartition(topics().commands.name, partition)

        def acknowledged(offset: int) -> None:
            self.sent.commands.append(Acknowledged(partition, offset, command.id))

        self.append(tp, (key.encode(), msgspec.json.encode(command), ()), acknowledged)

    def append(self, tp: TopicPartition, message: Message, acknowledged: Callable[[int], None]) -> None:
        """Send ``message``, and tell its offset when the broker has it."""

        def answered(answer: "asyncio.Future[int]") -> None:
            self.under_way -= 1
            acknowledged(answer.result())

        self.under_way += 1
        broker = self.world.broker
        broker.network.request(lambda: broker.append(tp, [message])).add_done_callback(answered)
