"""A whole plant in one loop: services, processes and who starts them again.  One seed makes one world."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any

from streams.actions import ACTIONS
from streams.topics import STATION_INPUTS, group_of
from streams.transport.port import TopicPartition
from tests.simulation import mqtt
from tests.simulation.broker import Broker
from tests.simulation.clock import EPOCH
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network
from tests.simulation.postgres import Postgres
from tests.simulation.process import NOBODY, Process
from tests.simulation.roles import ROLES, Running, Services
from tests.simulation.rooms import furnish
from tests.simulation.site import settings, station_topics, topics
from weir.verify.sent import Ledger

WORKERS = {"processor": 2, "router": 1, "actions": 1, "projector": 1, "bridge": 1, "station": 2}
"""Processes of each role."""
SOMETIMES = {"station"}
"""Roles that are there only where the load has something for them."""
RESTART_S = (0.1, 1.5)
"""After how long a supervisor starts again what has ended."""


class World:
    """The services, and the processes that run now."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.loop = VirtualLoop(Random(self.random.random()))
        asyncio.set_event_loop(self.loop)
        self.broker = Broker(self._network("kafka", self.random.choice((0.001, 0.003, 0.01))), EPOCH)
        self.database = Postgres(self._network("postgres", self.random.choice((0.001, 0.003, 0.01))))
        self.plant = mqtt.Mqtt(self._network("mosquitto", self.random.choice((0.003, 0.01, 0.03, 0.1))))
        self.ledger = Ledger(tuple(ACTIONS), prompt=True)
        self.roles: tuple[str, ...] = ()
        self.running: dict[str, Running] = {}
        """By the name of the place: a role and a number."""
        self.ends: list[tuple[float, str, int, str]] = []
        """(time, name, exit code, why) of each process that has ended."""
        self.skew_s = 0.0
        """How far a process's clock was ahead of the broker's at most."""
        self.faults: Counter[str] = Counter()
        """Faults that have hit."""
        self._processes = 0
        self._retired: set[str] = set()
        self._places: Counter[str] = Counter()
        self._create_topics()
        furnish(self.database.tables.station)

    def _network(self, name: str, quick_s: float) -> Network:
        return Network(self.loop, Random(self.random.random()), Process(name, 0), quick_s)

    def _create_topics(self) -> None:
        for topic in (*topics().all(), *station_topics().telemetry.values()):
            self.broker.create_topic(topic.name, topic.partitions)
        # As ``apply_topics`` does: these two never guess where to begin.
        for role, names in (("actions", [topics().events.name]), ("router", list(topics().telemetry))):
            self.broker.groups[group_of(settings(), role)] = {tp: 0 for tp in self.broker.logs if tp.topic in names}

    def start_all(self, more: Sequence[str]) -> None:
        """Start every process, those of ``SOMETIMES`` where ``more`` names them."""
        self.roles = tuple(role for role in WORKERS if role not in SOMETIMES or role in more)
        for role in self.roles:
            for number in range(WORKERS[role]):
                self.start(f"{role}-{number}")

    def start(self, place: str) -> None:
        """Start a process in a place where none runs."""
        self._processes += 1
        process = Process(f"{place}.{self._processes}", self._processes)
        process.ends.append(lambda code: self._ended(place, process, code))
        running = self.running[place] = Running(process, Services(self.broker, self.plant))
        role = place.partition("-")[0]

        async def work() -> None:
            try:
                await ROLES[role](running)
            except Exception as error:  # noqa: BLE001 - what escapes a role ends its process
                process.exit("the role raised", error)

        self.loop.call_soon(lambda: self.loop.create_task(work()), context=process.context())

    def terminate(self, place: str, *, for_good: bool = False) -> bool:
        """SIGTERM: finish what is running and leave; whether there is somebody to be told."""
        running = self.running.get(place)
        if for_good:
            self._retired.add(place)
        if running is None or not running.process.alive or running.member is None:
            return False
        member, process = running.member, running.process

        async def leave() -> None:
            await member.leave()
            await running.stop()
            process.end(0, "terminated")

        self.loop.call_soon(lambda: self.loop.create_task(leave()), context=process.context())
        return True

    def at(self, after_s: float, happen: Callable[[], object]) -> None:
        """Have something happen ``after_s`` from now, whoever is alive then."""
        self.loop.call_later(after_s, happen, context=NOBODY.context())

    def next_place(self, role: str) -> int:
        """A number that no process of the role has had."""
        self._places[role] += 1
        return WORKERS[role] - 1 + self._places[role]

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something of the world's own."""
        context = Process(name, 0).context()
        self.loop.call_soon(lambda: self.loop.create_task(work), context=context)

    def places(self, *roles: str) -> list[str]:
        """Where processes of these roles are alive."""
        return sorted(
            place
            for place, running in self.running.items()
            if running.process.alive and (not roles or place.partition("-")[0] in roles)
        )

    def _ended(self, place: str, process: Process, code: int) -> None:
        self.ends.append((self.loop.now, process.name, code, process.why))
        if place in self._retired:
            del self.running[place]
        else:
            self.at(self.random.uniform(*RESTART_S), lambda: self.start(place))

    def discard(self) -> None:
        """Throw away what is left of all processes."""
        for running in self.running.values():
            running.process.alive = False
        self.loop.discard()
        asyncio.set_event_loop(None)

    # ---- rest

    def unrest(self) -> str:
        """What is still to happen; empty when the plant has come to rest."""
        if unfinished := self._transactions():
            return f"a transaction is open on {unfinished}"
        covered: dict[str, set[TopicPartition]] = {}
        for place, running in self.running.items():
            if not running.process.alive:
                return f"{place} is being started"
            if (reason := running.busy()) is not None:
                return f"{place}: {reason}"
            if running.member is not None:
                of_role = covered.setdefault(place.partition("-")[0], set())
                of_role.update(running.member.held.lanes)
        for role, wanted in self._inputs().items():
            if missing := wanted - covered.get(role, set()):
                return f"nobody works on {sorted(missing)} as {role}"
        if len(self.plant.acknowledged) < len(self.plant.sent):
            return "MQTT messages are not acknowledged"
        return "" if "station" not in self.roles else self._station_unrest()

    def _transactions(self) -> str:
        for tp, log in self.broker.logs.items():
            if log.open:
                return str(tp)
        return "the database" if any(one.began_at is not None for one in self.database.sessions) else ""

    def _station_unrest(self) -> str:
        if waiting := len(self.database.tables.outbox.rows):
            return f"{waiting} records are in the outbox"
        if online := [one["id"] for one in self.database.tables.station.users.values() if one["online"]]:
            return f"{online} are online"
        return ""

    def _inputs(self) -> dict[str, set[TopicPartition]]:
        t = topics()
        names = {
            "processor": {t.commands.name},
            "router": set(t.telemetry),
            "actions": {t.events.name},
            "projector": {t.events.name, t.definitions.name, *t.telemetry},
            "station": set(STATION_INPUTS),
        }
        return {
            role: {tp for tp in self.broker.logs if tp.topic in wanted}
            for role, wanted in names.items()
            if role in self.roles
        }
