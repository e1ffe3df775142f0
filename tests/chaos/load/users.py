"""Users: commands of every kind, right and wrong, to the keys that all of them share.

Starts with and without an id of their own, signals before and after the start, cancels by key and by instance,
commands in a partition that is not their home, refusable ones, and poison.  Sagas and teams have keys of their own, and
nobody cancels them: what becomes of them is known, and ``checks`` says what.  Tasks are answered, and parcels sent, by
several users at once.
"""

import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import msgspec

from streams.core.commands import (
    Cancel,
    ClaimTask,
    CompleteTask,
    PublishMessage,
    Signal,
    StartProcess,
    TopicCommand,
)
from streams.core.decide import command_key, home_of
from streams.core.ids import instance_id, partition_for
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
ASKED = 2
"""The execution of a team's task, the second thing that it does: its id is known before it is there."""


class Team(NamedTuple):
    """An instance that somebody has started."""

    instance: str
    n: int


class Teams:
    """Those of all users."""

    def __init__(self) -> None:
        self.all: list[Team] = []

    def some(self, rng: Random) -> Team | None:
        """One of the newest."""
        return rng.choice(self.all[-REMEMBERED:]) if self.all else None


class User:
    """One of them, with a producer and a chance of its own."""

    def __init__(
        self, name: str, settings: Settings, topics: Topics, book: Book, rng: Random, teams: Teams | None = None
    ) -> None:
        self._name, self._topics, self._book, self._rng = name, topics, book, rng
        self._teams = teams or Teams()
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
            self._saga: 3,
            self._team: 2,
            self._claim: 2,
            self._answer: 3,
            self._parcel: 3,
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
        key = command_key(command) or self._id()
        home = home_of(command, partitions)
        home = partition_for(key, partitions) if home is None else home
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

    async def settle(self, team: Team) -> None:
        """Do what a team waits for."""
        for make in (self._answer_of, self._parcel_for):
            self._number += 1
            await self.send(make(team))

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

    # ---- sagas, teams, and who works with them

    @property
    def _n(self) -> int:
        """A number that no other user has."""
        return self._number * 10 + int(self._name[1:])

    def _saga(self, _key: str) -> StartProcess:
        return StartProcess(id=self._id(), definition_id="saga", key=f"saga-{self._n}", variables={"n": self._n})

    def _team(self, _key: str) -> StartProcess:
        key, n = f"team-{self._n}", self._n
        home = partition_for(key, self._topics.partitions)
        instance = instance_id(round(time.time() * 1000), home, f"chaos/{self._id()}")
        self._teams.all.append(Team(instance, n))
        return StartProcess(id=self._id(), definition_id="team", key=key, instance_id=instance, variables={"n": n})

    def _claim(self, key: str) -> TopicCommand:
        team = self._teams.some(self._rng)
        if team is None:
            return self._go(key)
        return ClaimTask(id=self._id(), task_id=f"{team.instance}:{ASKED}", user=self._name, groups=["crew"])

    def _answer(self, key: str) -> TopicCommand:
        team = self._teams.some(self._rng)
        return self._go(key) if team is None else self._answer_of(team)

    def _answer_of(self, team: Team) -> CompleteTask:
        task = f"{team.instance}:{ASKED}"
        return CompleteTask(id=self._id(), task_id=task, user=self._name, groups=["crew"], outcome="yes")

    def _parcel(self, key: str) -> TopicCommand:
        team = self._teams.some(self._rng)
        return self._go(key) if team is None else self._parcel_for(team)

    def _parcel_for(self, team: Team) -> PublishMessage:
        """All users send the same one."""
        key = f"parcel-{team.n}"
        return PublishMessage(
            id=self._id(), name="parcel", correlation_key=key, payload={"from": self._name}, message_id=key
        )
