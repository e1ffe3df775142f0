"""What users, devices and strangers do, one function for each."""

from collections.abc import Callable, Sequence

import orjson

from streams.core import ids
from streams.core.commands import (
    DEFINITIONS_KEY,
    ActivateDefinition,
    AssignTask,
    Cancel,
    ClaimTask,
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
from streams.transport.port import TopicPartition
from tests.simulation.clock import EPOCH
from tests.simulation.load import Load
from tests.simulation.site import DEFINITIONS, HOT, PARTITIONS, TELEMETRY, USERS, definition, topics
from weir.verify.sent import Poison, Reading

PROJECTOR = "projector"
SWITCHED = ("timed", "failing", "asking")
"""Definitions that are switched off and on: those that nobody counts on."""
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


def start_approval(load: Load) -> None:
    load.send(StartProcess(definition_id="approval", key=load.key(), variables={"n": 1}))


def start_timed(load: Load) -> None:
    """``mode: single``: refused while one of the key runs."""
    load.send(StartProcess(definition_id="timed", key=load.key(), variables={"n": load.number}))


def start_lined(load: Load) -> None:
    """Those of a key one after the other, two at a time; a queue of more than three is full.  Each third one fails."""
    load.send(StartProcess(definition_id="lined", key=load.key(), variables={"n": load.number}))


def start_failing(load: Load) -> None:
    load.send(StartProcess(definition_id="failing", key=load.key(), variables={"where": "#"}))


def start_asking(load: Load) -> None:
    load.send(StartProcess(definition_id="asking", key=load.key(), variables={"n": load.number}))


def start_paying(load: Load) -> None:
    load.send(StartProcess(definition_id="paying", key=load.key(), variables={"n": 1, "order": load.key()}))


def start_calling(load: Load) -> None:
    variables = {"n": load.number, "to": load.key()}
    load.send(StartProcess(definition_id="calling", key=load.key(), variables=variables))


def publish(load: Load) -> None:
    """Now and then twice under one id, and now and then for nobody to keep."""
    order, ttl_ms = load.key(), load.random.choice((3_000, 3_000, 0))
    name = load.random.choice(("paid", "paid", "reminder"))
    message_id = f"m{load.random.randrange(20)}"
    payload = {"n": load.count()}
    command = PublishMessage(name=name, correlation_key=order, payload=payload, ttl_ms=ttl_ms, message_id=message_id)
    load.send(command, order)


def claim(load: Load) -> None:
    _with_task(load, lambda task, user: ClaimTask(task_id=task, user=user, groups=["night"]))


def unclaim(load: Load) -> None:
    _with_task(load, lambda task, user: UnclaimTask(task_id=task, user=user))


def assign(load: Load) -> None:
    _with_task(load, lambda task, user: AssignTask(task_id=task, user="boss", assignee=user))


def delegate(load: Load) -> None:
    to = load.random.choice(USERS)
    _with_task(load, lambda task, user: DelegateTask(task_id=task, user=user, to=to))


def complete(load: Load) -> None:
    """Now and then with an answer that does not fit."""
    answer = load.random.choice((1, 2, "three"))
    outcome = load.random.choice(("approved", "approved", "rejected"))
    _with_task(load, lambda task, user: CompleteTask(task_id=task, user=user, answers={"n": answer}, outcome=outcome))


def start_branched(load: Load) -> None:
    """Branches, attempts, handlers and timeouts."""
    variables = {"n": load.random.randint(1, 9), "where": "order"}
    load.send(StartProcess(definition_id="branched", key=load.key(), variables=variables))


def start_with_own_id(load: Load) -> None:
    key = load.key()
    now_ms = int((EPOCH + load.world.loop.now) * 1000)
    instance = ids.instance_id(now_ms, partition_for(key, PARTITIONS), f"own {load.number}")
    start = StartProcess(definition_id="approval", key=key, instance_id=instance, variables={"n": 2})
    load.own.append(start)
    load.instances.append(instance)
    load.send(start)


def start_again(load: Load) -> None:
    """The same id: refused."""
    if load.own:
        load.send(load.random.choice(load.own))


def start_what_nobody_knows(load: Load) -> None:
    load.send(StartProcess(definition_id="nothing", key=load.key()))


def signal(load: Load) -> None:
    """Before a start it waits with the key."""
    payload = {"approved": load.random.random() < 0.7, "number": load.number}
    load.send(Signal(name="decided", key=load.key(), payload=payload))


def signal_instance(load: Load) -> None:
    if load.instances:
        instance = load.random.choice(load.instances)
        load.send(Signal(name="decided", instance_id=instance, payload={"approved": True}), instance)


def cancel(load: Load) -> None:
    load.send(Cancel(key=load.key(), reason="no longer wanted"))


def suspend(load: Load) -> None:
    load.send(Suspend(key=load.key(), reason="maintenance"))


def resume(load: Load) -> None:
    load.send(Resume(key=load.key(), timers=load.random.choice(("fire", "shift", None))))


def correct(load: Load) -> None:
    """Tries again if it failed."""

    def corrected(instance: str) -> None:
        load.send(SetVariables(instance_id=instance, variables={"n": load.count()}), instance)
        load.send(Retry(instance_id=instance), instance)

    _with_instance(load, load.definitions, corrected)


def migrate(load: Load) -> None:
    """To a version that may not be there yet."""
    several = [name for name in load.definitions if len(DEFINITIONS[name]) > 1]
    _with_instance(load, several, lambda instance: load.send(Migrate(instance_id=instance, version=2), instance))


def deploy(load: Load) -> None:
    """A new version, or once more one that is there."""
    text = load.random.choice([text for name in load.definitions for text in DEFINITIONS[name]])
    load.send(DeployDefinition(definition=definition(text)), DEFINITIONS_KEY)


def activate(load: Load) -> None:
    """On again; or the cooling by another of its versions, which may not be there."""
    if name := _switched(load, "cooling"):
        version = load.random.choice((1, 2) if name == "cooling" else (1, None))
        load.send(ActivateDefinition(definition_id=name, version=version), DEFINITIONS_KEY)


def deactivate(load: Load) -> None:
    """Until somebody activates it, starts are refused."""
    if name := _switched(load):
        version = load.random.choice((None, None, 1))
        load.send(DeactivateDefinition(definition_id=name, version=version, reason="off"), DEFINITIONS_KEY)


def poison(load: Load) -> None:
    value = load.random.choice(BAD_COMMANDS)
    tp = TopicPartition(topics().commands.name, load.random.randrange(PARTITIONS))

    def acknowledged(offset: int) -> None:
        load.sent.poison.append(Poison(tp.topic, tp.partition, offset, value, (PROCESSOR,)))

    load.append(tp, (b"a", value, ()), acknowledged)


# ---- readings


def reading(load: Load) -> None:
    device, t = load.key(), load.random.choice((20, 24.5, 26, 30))
    value = orjson.dumps({"tags": {"device_id": device}, "fields": {"t": t}, "number": load.count()})
    starts = ("cooling",) if t > HOT and "cooling" in load.definitions else ()
    tp = TopicPartition(TELEMETRY, partition_for(device, PARTITIONS))

    def acknowledged(offset: int) -> None:
        load.sent.readings.append(Reading(tp.topic, tp.partition, offset, starts))

    load.append(tp, (device.encode(), value, ()), acknowledged)


def bad_reading(load: Load) -> None:
    value = load.random.choice(BAD_READINGS)
    tp = TopicPartition(TELEMETRY, load.random.randrange(PARTITIONS))

    def acknowledged(offset: int) -> None:
        load.sent.poison.append(Poison(tp.topic, tp.partition, offset, value, (ROUTER, PROJECTOR)))

    load.append(tp, (b"a", value, ()), acknowledged)


def mqtt_reading(load: Load) -> None:
    device = load.key()
    value = orjson.dumps({"tags": {"device_id": device}, "fields": {"t": 27}, "number": load.count()})
    load.mqtt_readings.append(value)
    load.world.plant.publish(f"home/heatpump/{device}/telemetry", value)


def bad_mqtt_message(load: Load) -> None:
    topic, value = f"home/heatpump/{load.key()}/telemetry", b"no reading %d" % load.count()
    load.sent.poison.append(Poison(f"mqtt:{topic}", 0, None, value, (BRIDGE,)))
    load.world.plant.publish(topic, value)


def _with_task(load: Load, command: Callable[[str, str], TaskCommand]) -> None:
    """Somebody looks at the list of tasks, as far as the projector has come, and does something with one."""
    assignees = {row["id"]: row["assignee"] for row in load.world.database.tables.tasks.values()}
    if not assignees:
        load.again(lambda: _with_task(load, command))
        return
    task = load.random.choice(sorted(assignees))
    user = load.random.choice((assignees[task], None)) or load.random.choice(USERS)
    load.send(command(task, user), task.partition(":")[0])


def _with_instance(load: Load, of: Sequence[str], do: Callable[[str], None]) -> None:
    """Somebody looks at the list of instances, as far as the projector has come, and does something with one."""
    rows = load.world.database.tables.process_instances.values()
    known = sorted(str(row["id"]) for row in rows if row["definition_id"] in of)
    if known:
        do(load.random.choice(known))
    else:
        load.again(lambda: _with_instance(load, of, do))


def _switched(load: Load, *more: str) -> str | None:
    known = [name for name in load.definitions if name in (*SWITCHED, *more)]
    return load.random.choice(known) if known else None
