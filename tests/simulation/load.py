"""What users, devices and strangers do, by seed; and what they know of it afterwards, for the checker."""

import asyncio
from collections.abc import Callable
from random import Random

import msgspec
import orjson

from streams.core import ids
from streams.core.commands import (
    DEFINITIONS_KEY,
    ActivateDefinition,
    AssignTask,
    Cancel,
    ClaimTask,
    Command,
    CompleteTask,
    DeactivateDefinition,
    DelegateTask,
    DeployDefinition,
    Migrate,
    PublishMessage,
    Resume,
    Retry,
    SetVariables,
    Signal,
    StartProcess,
    Suspend,
    TaskCommand,
    UnclaimTask,
)
from streams.core.ids import partition_for
from streams.mqtt_routes import ROLE as BRIDGE
from streams.routing import ROLE as ROUTER
from streams.staging import ROLE as PROCESSOR
from streams.transport.port import Message, TopicPartition
from tests.simulation.clock import EPOCH
from tests.simulation.site import (
    APPROVAL,
    ASKING,
    BRANCHED,
    CALLING,
    CLOCKS,
    FAILING,
    LINED,
    PARTITIONS,
    PAYING,
    REMINDED,
    TELEMETRY,
    TIMED,
    USERS,
    VERSIONS,
    WATCHES,
    definition,
    topics,
)
from tests.simulation.world import World
from weir.verify.sent import Acknowledged, Poison, Reading, Sent

PROJECTOR = "projector"
KEYS = tuple("abcdef")
SWITCHED = ("timed", "failing", "asking")
"""Definitions that are switched off and on: those that nobody counts on."""
KNOWN_WITHIN_S = 0.5
"""How long a router takes at most to hear of a definition."""
BEGINS_S, ENDS_S = 3.0, 12.0
COUNT = (38, 52)
BAD_COMMANDS = (
    b"{",
    b"null",
    b"\xff\xfe",
    b'{"type":"explode"}',
    b'{"type":"signal","name":"a\\u0000","key":"a"}',
    b'{"type":"cancel","key":"a","v":99}',
    b'{"type":"cancel","key":"a","surprise":1}',
)
BAD_READINGS = (b"not JSON", b"[]", b'{"tags":5}', b'{"fields":{"t":1e999}}', b'{"tags":{"device_id":"\\u0000"}}')


DEPLOYED = (
    *(VERSIONS[0], WATCHES[0], APPROVAL, TIMED, FAILING, ASKING, BRANCHED, CLOCKS[0], LINED),
    *(PAYING, REMINDED, CALLING),
)


class Load:
    """Sends what ``plan`` has drawn; ``sent`` fills as the broker acknowledges."""

    def __init__(self, world: World) -> None:
        self.sent = Sent(alone=True)
        self.under_way = 0
        self.mqtt_readings: list[bytes] = []
        self._world, self._random = world, Random(world.random.random())
        self._number = 0
        self._own: list[StartProcess] = []
        self._instances: list[str] = []

    def begin(self) -> None:
        """Deploy, and have everything else come in its time."""
        self._world.spawn(self._run(), "load")

    async def _run(self) -> None:
        await asyncio.sleep(1.0)
        for text in DEPLOYED:
            self._send(DeployDefinition(definition=definition(text)), DEFINITIONS_KEY)
        await self._deployed({"cooling", "approval"})
        loop, random = asyncio.get_running_loop(), self._random
        begins = max(BEGINS_S, loop.time() + KNOWN_WITHIN_S)
        for _ in range(random.randint(*COUNT)):
            [kind] = random.choices(list(KINDS), list(KINDS.values()))
            loop.call_at(max(begins, random.uniform(BEGINS_S, ENDS_S)), kind, self)

    async def _deployed(self, names: set[str]) -> None:
        """A reading starts what is deployed by then: a fault may hold the deployments back."""
        log = self._world.broker.log(TopicPartition(topics().definitions.name, 0))

        def known() -> set[str]:
            return {(record.key or b"").decode().partition(":")[0] for record in log.read(0, 1_000)[0]}

        while not names <= known():  # noqa: ASYNC110  of virtual time
            await asyncio.sleep(0.1)

    # ---- commands

    def start_approval(self) -> None:
        self._send(StartProcess(definition_id="approval", key=self._key(), variables={"n": 1}))

    def start_timed(self) -> None:
        """``mode: single``: refused while one of the key runs."""
        self._send(StartProcess(definition_id="timed", key=self._key(), variables={"n": self._number}))

    def start_lined(self) -> None:
        """Those of a key one after the other, two at a time; a queue of more than three is full."""
        self._send(StartProcess(definition_id="lined", key=self._key(), variables={"n": self._number}))

    def start_failing(self) -> None:
        self._send(StartProcess(definition_id="failing", key=self._key(), variables={"where": "#"}))

    def start_asking(self) -> None:
        self._send(StartProcess(definition_id="asking", key=self._key(), variables={"n": self._number}))

    def start_paying(self) -> None:
        self._send(StartProcess(definition_id="paying", key=self._key(), variables={"n": 1, "order": self._key()}))

    def start_calling(self) -> None:
        variables = {"n": self._number, "to": self._key()}
        self._send(StartProcess(definition_id="calling", key=self._key(), variables=variables))

    def publish(self) -> None:
        """Now and then twice under one id, and now and then for nobody to keep."""
        order, ttl_ms = self._key(), self._random.choice((3_000, 3_000, 0))
        name = self._random.choice(("paid", "paid", "reminder"))
        message_id = f"m{self._random.randrange(20)}"
        payload = {"n": self._count()}
        command = PublishMessage(
            name=name, correlation_key=order, payload=payload, ttl_ms=ttl_ms, message_id=message_id
        )
        self._send(command, order)

    def claim(self) -> None:
        self._with_task(lambda task, user: ClaimTask(task_id=task, user=user, groups=["night"]))

    def unclaim(self) -> None:
        self._with_task(lambda task, user: UnclaimTask(task_id=task, user=user))

    def assign(self) -> None:
        self._with_task(lambda task, user: AssignTask(task_id=task, user="boss", assignee=user))

    def delegate(self) -> None:
        to = self._random.choice(USERS)
        self._with_task(lambda task, user: DelegateTask(task_id=task, user=user, to=to))

    def complete(self) -> None:
        """Now and then with an answer that does not fit."""
        answer = self._random.choice((1, 2, "three"))
        outcome = self._random.choice(("approved", "rejected"))
        self._with_task(
            lambda task, user: CompleteTask(task_id=task, user=user, answers={"n": answer}, outcome=outcome)
        )

    def _with_task(self, command: Callable[[str, str], TaskCommand]) -> None:
        """Somebody looks at the list of tasks, as far as the projector has come, and does something with one."""
        known = sorted(id_ for (id_,) in self._world.database.tables.tasks)
        if known:
            task = self._random.choice(known)
            self._send(command(task, self._random.choice(USERS)), task.partition(":")[0])

    def start_branched(self) -> None:
        """Branches, attempts, handlers and timeouts."""
        variables = {"n": self._random.randint(1, 9), "where": "order"}
        self._send(StartProcess(definition_id="branched", key=self._key(), variables=variables))

    def start_with_own_id(self) -> None:
        key = self._key()
        now_ms = int((EPOCH + self._world.loop.now) * 1000)
        instance = ids.instance_id(now_ms, partition_for(key, PARTITIONS), f"own {self._number}")
        start = StartProcess(definition_id="approval", key=key, instance_id=instance, variables={"n": 2})
        self._own.append(start)
        self._instances.append(instance)
        self._send(start)

    def start_again(self) -> None:
        """The same id: refused."""
        if self._own:
            self._send(self._random.choice(self._own))

    def start_what_nobody_knows(self) -> None:
        self._send(StartProcess(definition_id="nothing", key=self._key()))

    def signal(self) -> None:
        """Before a start it waits with the key."""
        payload = {"approved": self._random.random() < 0.7, "number": self._number}
        self._send(Signal(name="decided", key=self._key(), payload=payload))

    def signal_instance(self) -> None:
        if self._instances:
            instance = self._random.choice(self._instances)
            self._send(Signal(name="decided", instance_id=instance, payload={"approved": True}), instance)

    def cancel(self) -> None:
        self._send(Cancel(key=self._key(), reason="no longer wanted"))

    def suspend(self) -> None:
        self._send(Suspend(key=self._key(), reason="maintenance"))

    def resume(self) -> None:
        self._send(Resume(key=self._key(), timers=self._random.choice(("fire", "shift", None))))

    def correct(self) -> None:
        """Somebody looks at an instance, as far as the projector has come, and tries again if it failed."""
        instance = self._some_instance()
        if instance is not None:
            self._send(SetVariables(instance_id=instance, variables={"n": self._count()}), instance)
            self._send(Retry(instance_id=instance), instance)

    def migrate(self) -> None:
        instance = self._some_instance()
        if instance is not None:
            self._send(Migrate(instance_id=instance, version=2), instance)

    def _some_instance(self) -> str | None:
        known = sorted(str(id_) for id_, _ in self._world.database.tables.process_instances)
        return self._random.choice(known) if known else None

    def deploy(self) -> None:
        """A new version, or once more one that is there."""
        text = self._random.choice((*VERSIONS, TIMED, *CLOCKS, WATCHES[1]))
        self._send(DeployDefinition(definition=definition(text)), DEFINITIONS_KEY)

    def activate(self) -> None:
        """On again; or the cooling by another of its versions, which may not be there."""
        name = self._random.choice(("cooling", *SWITCHED))
        version = self._random.choice((1, 2) if name == "cooling" else (1, None))
        self._send(ActivateDefinition(definition_id=name, version=version), DEFINITIONS_KEY)

    def deactivate(self) -> None:
        """Until somebody activates it, starts are refused."""
        version = self._random.choice((None, None, 1))
        name = self._random.choice(SWITCHED)
        self._send(DeactivateDefinition(definition_id=name, version=version, reason="off"), DEFINITIONS_KEY)

    def poison(self) -> None:
        value = self._random.choice(BAD_COMMANDS)
        tp = TopicPartition(topics().commands.name, self._random.randrange(PARTITIONS))

        def acknowledged(offset: int) -> None:
            self.sent.poison.append(Poison(tp.topic, tp.partition, offset, value, (PROCESSOR,)))

        self._append(tp, (b"a", value, ()), acknowledged)

    # ---- readings

    def reading(self) -> None:
        device, t = self._random.choice(KEYS), self._random.choice((20, 24.5, 26, 30))
        value = orjson.dumps({"tags": {"device_id": device}, "fields": {"t": t}, "number": self._count()})
        starts = ("cooling",) if t > 25 else ()
        tp = TopicPartition(TELEMETRY, partition_for(device, PARTITIONS))

        def acknowledged(offset: int) -> None:
            self.sent.readings.append(Reading(tp.topic, tp.partition, offset, starts))

        self._append(tp, (device.encode(), value, ()), acknowledged)

    def bad_reading(self) -> None:
        value = self._random.choice(BAD_READINGS)
        tp = TopicPartition(TELEMETRY, self._random.randrange(PARTITIONS))

        def acknowledged(offset: int) -> None:
            self.sent.poison.append(Poison(tp.topic, tp.partition, offset, value, (ROUTER, PROJECTOR)))

        self._append(tp, (b"a", value, ()), acknowledged)

    def mqtt_reading(self) -> None:
        device = self._random.choice(KEYS)
        value = orjson.dumps({"tags": {"device_id": device}, "fields": {"t": 27}, "number": self._count()})
        self.mqtt_readings.append(value)
        self._world.plant.publish(f"home/heatpump/{device}/telemetry", value)

    def bad_mqtt_message(self) -> None:
        topic, value = f"home/heatpump/{self._random.choice(KEYS)}/telemetry", b"no reading %d" % self._count()
        self.sent.poison.append(Poison(f"mqtt:{topic}", 0, None, value, (BRIDGE,)))
        self._world.plant.publish(topic, value)

    # ---- sending

    def _key(self) -> str:
        return self._random.choice(KEYS)

    def _count(self) -> int:
        self._number += 1
        return self._number

    def _send(self, command: Command, key: str | None = None) -> None:
        """Send, now and then to a partition that is not the command's."""
        command = msgspec.structs.replace(command, id=f"c{self._count()}")
        key = key or command.key  # type: ignore[attr-defined]
        partition = partition_for(key, PARTITIONS)
        if self._random.random() < 0.2:
            partition = (partition + 1) % PARTITIONS
        tp = TopicPartition(topics().commands.name, partition)

        def acknowledged(offset: int) -> None:
            self.sent.commands.append(Acknowledged(partition, offset, command.id))

        self._append(tp, (key.encode(), msgspec.json.encode(command), ()), acknowledged)

    def _append(self, tp: TopicPartition, message: Message, acknowledged: Callable[[int], None]) -> None:
        def answered(answer: "asyncio.Future[int]") -> None:
            self.under_way -= 1
            acknowledged(answer.result())

        self.under_way += 1
        broker = self._world.broker
        broker.network.request(lambda: broker.append(tp, [message])).add_done_callback(answered)


KINDS: dict[Callable[[Load], None], float] = {
    Load.start_approval: 4,
    Load.start_timed: 4,
    Load.start_lined: 6,
    Load.start_failing: 1,
    Load.start_asking: 3,
    Load.start_paying: 3,
    Load.start_calling: 3,
    Load.publish: 4,
    Load.claim: 3,
    Load.unclaim: 1,
    Load.assign: 1,
    Load.delegate: 2,
    Load.complete: 6,
    Load.start_branched: 3,
    Load.start_with_own_id: 2,
    Load.start_again: 1.5,
    Load.start_what_nobody_knows: 0.5,
    Load.signal: 5,
    Load.signal_instance: 2,
    Load.cancel: 1.5,
    Load.suspend: 2,
    Load.resume: 3,
    Load.correct: 2,
    Load.migrate: 1,
    Load.deploy: 1,
    Load.activate: 2,
    Load.deactivate: 1,
    Load.poison: 1.5,
    Load.reading: 3,
    Load.bad_reading: 1,
    Load.mqtt_reading: 4,
    Load.bad_mqtt_message: 0.5,
}
"""What is done, and how often in comparison."""
