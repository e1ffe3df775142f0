"""Users: commands of every kind, right and wrong, to the keys that all of them share.

Starts with and without an id of their own, signals before and after the start, cancels by key and by instance,
commands in a partition that is not their home, refusable ones, and poison.
"""

import time
from collections import deque
from collections.abc import Callable
from random import Random

import msgspec

from streams.core.commands import Cancel, Signal, StartProcess, TopicCommand
from streams.core.ids import instance_id, partition_for, partition_of
from streams.settings import Settings
from streams.topics import Topics
from tests.chaos.load import poison
from tests.chaos.load.sender import Sender
from tests.chaos.sent import Book
from weir.verify.sent import Acknowledged

KEYS = 300
STRAY = 0.03
"""Share of commands that go to a wrong partition."""
POISON = 0.015
REMEMBERED = 50


class User:
    """One of them, with a producer and a chance of its own."""

    def __init__(self, name: str, settings: Settings, topics: Topics, book: Book, rng: Random) -> None:
        self._name, self._topics, self._book, self._rng = name, topics, book, rng
        self._sender = Sender(settings)
        self._instances: deque[str] = deque(maxlen=REMEMBERED)
        self._number = 0
        self._kinds: dict[Callable[[str], TopicCommand], int] = {
            self._order: 28,
            self._order_of_own_id: 8,
            self._nap: 8,
            self._failing: 1,
            self._go: 40,
            self._other_signal: 1,
            self._cancel: 3,
            self._cancel_instance: 2,
            self._unknown_definition: 1,
            self._wrong_variables: 1,
        }

    async def step(self) -> None:
        """Send one record."""
        self._number += 1
        if self._rng.random() < POISON:
            await self._send_poison()
            return
        (make,) = self._rng.choices(list(self._kinds), list(self._kinds.values()))
        command = make(f"k{self._rng.randrange(KEYS)}")
        await self.send(command, stray=self._rng.random() < STRAY)

    async def send(self, command: TopicCommand, *, stray: bool = False) -> None:
        """Send a command, to its home or astray."""
        partitions = self._topics.partitions
        own = getattr(command, "instance_id", None)
        key = getattr(command, "key", None) or own or self._id()
        home = partition_of(own) if own else partition_for(key, partitions)
        partition = (home + self._rng.randrange(1, partitions)) % partitions if stray else home
        await self._sender.send(
            self._topics.commands.name,
            partition,
            key.encode(),
            msgspec.json.encode(command),
            taken=lambda at, offset: self._book.sent.commands.append(Acknowledged(at, offset, command.id)),
            unknown=lambda: self._book.sent.uncertain.add(command.id or ""),
        )

    async def flush(self) -> None:
        await self._sender.flush()

    async def stop(self) -> None:
        await self._sender.close()

    async def go(self, key: str) -> None:
        """Let whatever waits for the key go on."""
        self._number += 1
        await self.send(self._go(key))

    async def fail(self) -> None:
        """Start an instance whose action cannot be carried out."""
        self._number += 1
        await self.send(self._failing(""))

    def _id(self) -> str:
        return f"{self._name}-{self._number}"

    async def _send_poison(self) -> None:
        bad = self._rng.choice(poison.COMMANDS)
        partition = self._rng.randrange(self._topics.partitions)
        await poison.send(self._sender, self._book, self._topics.commands.name, partition, bad, self._rng)

    # ---- commands

    def _order(self, key: str) -> StartProcess:
        return StartProcess(id=self._id(), definition_id="order", key=key, variables={"n": self._number})

    def _order_of_own_id(self, key: str) -> StartProcess:
        home = partition_for(key, self._topics.partitions)
        instance = instance_id(round(time.time() * 1000), home, f"chaos/{self._id()}")
        self._instances.append(instance)
        return msgspec.structs.replace(self._order(key), instance_id=instance)

    def _nap(self, key: str) -> StartProcess:
        return StartProcess(id=self._id(), definition_id="nap", key=key, variables={"n": self._number})

    def _failing(self, _key: str) -> StartProcess:
        variables = {"topic": f"no/+/{self._number}"}
        return StartProcess(id=self._id(), definition_id="failing", key=self._id(), variables=variables)

    def _go(self, key: str) -> Signal:
        return Signal(id=self._id(), name="go", key=key, payload={"a": self._id()})

    def _other_signal(self, key: str) -> Signal:
        return Signal(id=self._id(), name="nobody-waits", key=key)

    def _cancel(self, key: str) -> Cancel:
        return Cancel(id=self._id(), key=key, reason="chaos")

    def _cancel_instance(self, key: str) -> Cancel:
        if not self._instances:
            return self._cancel(key)
        return Cancel(id=self._id(), instance_id=self._rng.choice(self._instances))

    def _unknown_definition(self, key: str) -> StartProcess:
        return StartProcess(id=self._id(), definition_id="nowhere", key=key)

    def _wrong_variables(self, key: str) -> StartProcess:
        return StartProcess(id=self._id(), definition_id="order", key=key, variables={"n": "many"})
