"""What one batch puts into its transaction: bad input, forwarding, isolation, limits, timers, forgetting."""

import json
from typing import Any

import msgspec
import pytest

from streams.codec import decode_entity, encode_window
from streams.core.clock import PlantClock
from streams.core.commands import AlignWindow, Command, CompleteActivity, FireTimer, Signal, StartProcess
from streams.core.decide import DECIDERS
from streams.core.flow import ends
from streams.core.ids import instance_id, partition_for
from streams.core.parse import parse_definition
from streams.core.patterns.level import LevelState
from streams.core.patterns.window import Window
from streams.core.process import Process, compile_process
from streams.core.state import Finished, Instance
from streams.core.turn import Turn
from streams.processing import PartitionProcessor, decode_records
from streams.settings import Settings
from streams.topics import Topics, load_topics
from tests.core import test_instances
from tests.core.plant import START
from tests.core.test_instances import APPROVAL
from tests.streams.batches import Record, Transaction

PARTITIONS = 4
COOLING = test_instances.COOLING.replace("{command: cool}}}", "{command: cool}}, retry: none}")


class Partition:
    """One partition with its table; ``home`` is a key that belongs to it, ``away`` one that does not."""

    def __init__(self) -> None:
        self.topics: Topics = load_topics(Settings(_env_file=None, partitions=PARTITIONS, app_id="app"))
        self.processes: dict[str, Process] = {}
        for text in (COOLING, APPROVAL):
            process = compile_process(parse_definition(text))
            self.processes[process.id] = process
        keys = [f"key-{n}" for n in range(100)]
        self.home = next(key for key in keys if partition_for(key, PARTITIONS) == 1)
        self.away = next(key for key in keys if partition_for(key, PARTITIONS) == 2)
        self.table: dict[bytes, bytes] = {}
        self.now = START
        self.offset = 0
        self.rebuild()

    def active(self) -> list[Process]:
        return list(self.processes.values())

    def inactive(self, definition_id: str, version: int | None) -> bool:
        return False

    def get(self, definition_id: str, version: int | None) -> Process | None:
        process = self.processes.get(definition_id)
        return process if process is not None and version in {None, process.version} else None

    def rebuild(self) -> None:
        self.processor = PartitionProcessor(1, self.topics, self, PlantClock(), 86_400_000, self.table.items())

    def batch(self, *records: Record | bytes | Command, caught_up: bool = True) -> Transaction:
        made = []
        for one in records:
            record = (
                one if isinstance(one, Record) else Record(one if isinstance(one, bytes) else msgspec.json.encode(one))
            )
            record.offset, self.offset = self.offset, self.offset + 1
            if not isinstance(one, Record):
                record.timestamp = self.now
            made.append(record)
        txn = Transaction(self.table)
        self.outcome = self.processor.process(decode_records(made), txn, self.now, caught_up=caught_up)
        txn.commit()
        self.processor.committed(self.outcome)
        return txn

    def start_cooling(self) -> StartProcess:
        variables = {"device_id": self.home, "temperature": 30.5}
        return StartProcess(definition_id="cooling", definition_version=1, key=self.home, variables=variables)

    def instances(self) -> list[Instance]:
        found = [
            decode_entity(value) for key, value in self.table.items() if not key.startswith((b"latest:", b"trace:"))
        ]
        return [entity for entity in found if isinstance(entity, Instance)]


@pytest.fixture
def partition() -> Partition:
    return Partition()


def test_events_state_and_headers_of_a_start(partition: Partition) -> None:
    txn = partition.batch(partition.start_cooling())
    events = txn.to("process-events")
    assert [event["type"] for event in events][:2] == ["started", "activity_started"]
    assert {(topic, number) for topic, number, *_ in txn.sent} == {("process-events", 1)}
    assert all(headers == [("ce_type", json.loads(value)["type"].encode())] for _, _, _, value, headers in txn.sent)
    assert {event["cause"] for event in events} == {"1:0"}
    assert all(key == events[0]["subject"].encode() for _, _, key, _, _ in txn.sent)
    assert set(txn.writes) == {events[0]["subject"].encode(), f"key:{partition.home}".encode()}


def test_bad_records_become_dead_letters_and_the_rest_goes_on(partition: Partition) -> None:
    bad = [b"", b"{", b'{"type":"explode"}', b'{"type":"signal","name":"x","nope":1}']
    txn = partition.batch(bad[0], bad[1], partition.start_cooling(), bad[2], Record(bad[3], headers=[("a", b"b")]))
    letters = [record for record in txn.sent if record[0] == "process-dead-letters"]
    assert [record[3] for record in letters] == [bad[0], bad[1], bad[2], bad[3]]
    headers = dict(letters[3][4])
    assert headers["weir_topic"] == b"process-commands"
    assert (headers["weir_partition"], headers["weir_offset"], headers["weir_role"]) == (b"1", b"4", b"processor")
    assert b"unknown field `nope`" in headers["weir_reason"]
    assert headers["a"] == b"b"
    assert txn.to("process-events")


def test_a_refused_command_is_told_why(partition: Partition) -> None:
    unknown = instance_id(START, 1, "nobody")
    txn = partition.batch(Signal(id="mine", name="go", instance_id=unknown))
    assert txn.to("process-rejections") == [
        {
            "v": 1,
            "command_id": "mine",
            "partition": 1,
            "offset": 0,
            "reason": "unknown_instance",
            "message": f"Cannot signal instance {unknown}: there is none, or it ended long ago",
            "command_type": "signal",
            "subject": unknown,
            "time": "2013-12-10T06:25:00.000Z",
        }
    ]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (Signal(name="go"), "Expected 'instance_id' or 'key' in signal"),
        (Signal(name="go", instance_id="truck"), "Expected a UUID"),
        (Signal(name="go", instance_id=instance_id(START, 77, "x")), "partition 77 and there are 4"),
    ],
)
def test_a_command_without_a_possible_target_is_refused(partition: Partition, command: Command, told: str) -> None:
    (rejection,) = partition.batch(command).to("process-rejections")
    assert rejection["reason"] == "invalid_target"
    assert told in rejection["message"]


def test_a_command_of_another_partition_is_forwarded_and_not_for_ever(partition: Partition) -> None:
    command = msgspec.json.encode(Signal(name="go", key=partition.away))
    txn = partition.batch(Record(command, b"any", [("trace", b"7")]))
    (sent,) = txn.sent
    assert sent[:4] == ("process-commands", 2, b"any", command)
    assert sent[4] == [("trace", b"7"), ("weir_hops", b"1"), ("weir_from", b"1:%d" % (partition.offset - 1))]
    txn = partition.batch(Record(command, b"any", [("weir_hops", b"32")]))
    assert txn.to("process-rejections")[0]["reason"] == "too_many_hops"


@pytest.mark.parametrize("hops", [None, b"", b"-1", b"many", "²".encode(), b"9" * 5_000])
def test_headers_that_anyone_may_have_made_up_stop_nothing(partition: Partition, hops: bytes | None) -> None:
    command = msgspec.json.encode(Signal(name="go", key=partition.away))
    headers: list[tuple[str, bytes | None]] = [("weir_hops", hops), ("weir_from", None), ("trace", None)]
    (sent,) = partition.batch(Record(command, b"any", headers)).sent
    assert sent[4] == [("trace", None), ("weir_hops", b"1"), ("weir_from", b"1:%d" % (partition.offset - 1))]
    (letter,) = partition.batch(Record(b"no command", b"any", headers)).sent
    assert letter[0] == "process-dead-letters"
    assert letter[4][-3:] == headers


def test_a_command_that_raises_is_isolated(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    partition.batch(partition.start_cooling())
    (victim,) = partition.instances()
    raised: list[str] = []
    real = DECIDERS[Signal]

    def decide_signal(turn: Turn, command: Signal) -> None:
        real(turn, command)
        if command.name == "poison" or (command.name == "once" and "once" not in raised):
            raised.append(command.name)
            raise ZeroDivisionError("planted")

    monkeypatch.setitem(DECIDERS, Signal, decide_signal)
    txn = partition.batch(
        Signal(name="before", instance_id=victim.id),
        Signal(name="poison", instance_id=victim.id),
        Signal(name="once", key=partition.home),
        Signal(name="after", key=partition.home),
    )
    assert raised == ["poison", "poison", "once"]
    told = [(event["type"], event["data"].get("name")) for event in txn.to("process-events")]
    assert told[0] == ("signal_received", "before")
    assert told[1][0] == "failed"
    assert told[2:] == [("signal_buffered", "once"), ("signal_buffered", "after")], "the key is free, so they wait"
    failed = txn.to("process-events")[1]
    assert (failed["data"]["error_type"], failed["message"]) == ("incident", "ZeroDivisionError: planted")
    (letter,) = [record for record in txn.sent if record[0] == "process-dead-letters"]
    assert json.loads(letter[3])["name"] == "poison"
    assert partition.outcome.counts.dead == 1


def test_what_would_overfill_an_instance_fails_it(partition: Partition) -> None:
    partition.batch(StartProcess(definition_id="approval", key=partition.home, variables={"amount": 1}))
    (instance,) = partition.instances()
    txn = partition.batch(Signal(name="decided", instance_id=instance.id, payload={"x": "y" * 70_000}))
    said = txn.to("process-rejections")[0]["message"]
    assert "at most 65536 bytes" in said
    assert "'payload' alone has 70" in said
    assert txn.to("process-events")[0]["data"]["error_type"] == "limit"
    for number in range(5):
        partition.batch(StartProcess(definition_id="approval", key=partition.home, variables={"amount": number}))
        instance = next(one for one in partition.instances() if one.status == "running")
        for _ in range(6):
            partition.batch(Signal(name="other", instance_id=instance.id, payload={"x": "y" * 60_000}))
        state = decode_entity(partition.table[instance.id.encode()])
        assert isinstance(state, Instance)
        assert state.status == "failed"
        assert "state of at most" in state.failure.error if state.failure else False


def test_timers_fire_in_the_order_of_time_among_the_commands(partition: Partition) -> None:
    partition.batch(partition.start_cooling())
    (instance,) = partition.instances()
    deadline = START + 35_000
    assert partition.processor.wake_at() == pytest.approx(deadline / 1000, abs=0.001)
    signal = msgspec.json.encode(Signal(name="other", instance_id=instance.id))
    partition.now = START + 60_000
    txn = partition.batch(Record(signal, timestamp=deadline - 1), Record(signal, timestamp=deadline + 9))
    told = [(event["type"], event["cause"]) for event in txn.to("process-events")]
    assert told == [("signal_received", "1:1"), ("activity_failed", "1:timer"), ("failed", "1:timer")]
    assert txn.to("process-events")[1]["time"] == "2013-12-10T06:25:35.009000Z"
    assert txn.to("process-rejections")[0]["reason"] == "not_running"
    assert partition.processor.wake_at() is None


def test_a_timer_does_not_overtake_commands_that_are_still_to_come(partition: Partition) -> None:
    partition.batch(partition.start_cooling())
    partition.now = START + 60_000
    behind = Record(msgspec.json.encode(Signal(name="x", key=partition.home)), timestamp=START + 10)
    assert partition.batch(behind, caught_up=False).to("process-events")[-1]["type"] == "signal_received"
    assert partition.batch().to("process-events")[-1]["type"] == "failed", "no record is needed for a timer"


def test_timers_of_a_batch_that_did_not_commit_fire_with_the_next(partition: Partition) -> None:
    partition.batch(partition.start_cooling())
    partition.now = START + 60_000
    lost = Transaction(partition.table)
    partition.processor.process([], lost, partition.now, caught_up=True)
    assert lost.to("process-events")
    assert partition.batch().to("process-events")[-1]["type"] == "failed"


def test_an_answered_action_needs_no_deadline_any_more(partition: Partition) -> None:
    partition.batch(partition.start_cooling())
    (instance,) = partition.instances()
    deadline = START + 35_000
    assert partition.processor.wake_at() == pytest.approx(deadline / 1000, abs=0.001)
    answer = CompleteActivity(instance_id=instance.id.upper(), activity_id="cool", execution=2, attempt=1)
    partition.batch(answer, answer)
    next_timer = (START + 300_000) / 1000  # the next activity's, of five minutes
    assert partition.processor.wake_at() == pytest.approx(next_timer, abs=0.001)


def test_timers_and_marks_are_rebuilt_from_the_table(partition: Partition) -> None:
    partition.batch(partition.start_cooling())
    (instance,) = partition.instances()
    partition.rebuild()
    partition.now = START + 60_000
    assert partition.batch().to("process-events")[-1]["type"] == "failed"
    partition.batch(msgspec.json.encode({"type": "cancel", "instance_id": instance.id}))
    assert isinstance(decode_entity(partition.table[instance.id.encode()]), Finished)
    partition.rebuild()
    partition.now += 86_399_000
    partition.batch()
    assert instance.id.encode() in partition.table
    partition.now += 1_000
    partition.batch()
    assert partition.table == {}


def _broken(*_: Any) -> None:
    raise ZeroDivisionError("planted")


def test_a_timer_that_raises_fails_its_instance(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    partition.batch(partition.start_cooling())
    monkeypatch.setitem(DECIDERS, FireTimer, _broken)
    partition.now = START + 60_000
    assert partition.batch().to("process-events")[-1]["message"] == "ZeroDivisionError: planted"
    assert partition.batch().sent == []


def _held(partition: Partition) -> int:
    """A signal waits with its key; returns the plant time until which it does."""
    partition.batch(Signal(name="early", key=partition.home))
    wake_at = partition.processor.wake_at()
    assert wake_at is not None
    return round(wake_at * 1000)


def _expired(txn: Transaction) -> list[str]:
    return [event["type"] for event in txn.to("process-events")]


def test_a_timer_of_a_key_that_raises_is_tried_again_later(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = _held(partition)
    real, tries = DECIDERS[FireTimer], []

    def broken(_turn: Turn, _command: FireTimer) -> None:
        tries.append(partition.now)
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(DECIDERS, FireTimer, broken)
    partition.now = due
    waits = []
    for _ in range(12):
        assert partition.batch(b"{").sent, "nothing else waits for it"
        assert len(partition.processor.put_off) == 1
        wake_at = partition.processor.wake_at()
        assert wake_at is not None
        waits.append(round(wake_at * 1000) - partition.now)
        partition.batch()
        partition.now = round(wake_at * 1000)
    assert [one // 1000 for one in waits] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert len(tries) == 24, "twice each time, and not in the batches between"
    monkeypatch.setitem(DECIDERS, FireTimer, real)
    assert _expired(partition.batch()) == ["signal_expired", "key_forgotten"]
    assert len(partition.processor.put_off) == 0


def _put_off(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer has raised."""
    due = _held(partition)
    with monkeypatch.context() as patch:
        patch.setitem(DECIDERS, FireTimer, _broken)
        partition.now = due
        partition.batch()


def test_a_timer_that_is_put_off_is_over_when_nobody_waits_for_it_any_more(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put_off(partition, monkeypatch)
    assert len(partition.processor.put_off) == 1
    partition.now -= 1_000
    partition.batch(StartProcess(definition_id="approval", key=partition.home, variables={"amount": 1}))
    assert len(partition.processor.put_off) == 0
    partition.now += 60_000
    assert partition.batch().sent == []


def test_a_timer_that_is_put_off_fires_with_the_next_batch_that_commits(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put_off(partition, monkeypatch)
    partition.now += 1_000
    lost = Transaction(partition.table)
    partition.processor.process([], lost, partition.now, caught_up=True)
    assert _expired(lost) == ["signal_expired", "key_forgotten"]
    assert _expired(partition.batch()) == ["signal_expired", "key_forgotten"]
    assert partition.processor.wake_at() is None


def test_an_instance_that_cannot_even_fail_does_not_end_the_plant(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition.batch(partition.start_cooling())
    (instance,) = partition.instances()

    with monkeypatch.context() as patch:
        patch.setitem(DECIDERS, FireTimer, _broken)
        patch.setitem(DECIDERS, Signal, _broken)
        patch.setattr(ends, "fail", _broken)
        partition.now = START + 60_000
        txn = partition.batch(Signal(name="x", instance_id=instance.id))
        assert [record[0] for record in txn.sent] == ["process-dead-letters"]
        assert len(partition.processor.put_off) == 1
    partition.now += 1_000
    assert partition.batch().to("process-events")[-1]["type"] == "failed"
    assert len(partition.processor.put_off) == 0


def test_a_timer_that_does_nothing_is_tried_again_later(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    partition.now = _held(partition)
    with monkeypatch.context() as patch:
        patch.setitem(DECIDERS, FireTimer, lambda _turn, _command: None)
        assert partition.batch().sent == []
    assert len(partition.processor.put_off) == 1
    partition.now += 1_000
    assert _expired(partition.batch()) == ["signal_expired", "key_forgotten"]


def test_a_window_that_cannot_be_looked_at_does_not_end_the_plant(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Window(1, f"pattern:gone:0:{partition.home}", "f", LevelState(), START)
    partition.table[window.name.encode()] = encode_window(window)
    partition.rebuild()
    with monkeypatch.context() as patch:
        patch.setitem(DECIDERS, AlignWindow, _broken)
        assert partition.batch(partition.start_cooling()).to("process-events")
    assert window.name.encode() in partition.table
    assert partition.processor.wake_at() != 0, "it is left as it is until it is seen"


def test_two_moments_of_a_task_that_come_at_the_same_time_both_come(partition: Partition) -> None:
    text = """
id: asked
version: 1
trigger: {type: api}
activities:
  - id: ask
    type: user_task
    assignee: anna
    escalation: [{after: 1h, priority: 80}, {after: 1h, to: {user: ben}}]
"""
    process = compile_process(parse_definition(text))
    partition.processes[process.id] = process
    partition.batch(StartProcess(definition_id="asked", key=partition.home))
    partition.now += 3_600_000
    told = [event["type"] for _ in range(3) for event in partition.batch().to("process-events")]
    assert told == ["task_escalated", "task_escalated"]


def test_deploying(partition: Partition) -> None:
    definition = parse_definition(COOLING.replace("id: cooling", "id: heating")).model_dump(mode="json")
    home = partition_for("definitions", PARTITIONS)
    deploy = msgspec.json.encode({"type": "deploy_definition", "definition": definition})
    assert partition.batch(deploy).sent[0][:2] == ("process-commands", home)
    partition.processor = PartitionProcessor(
        home, partition.topics, partition, PlantClock(), 1, partition.table.items()
    )
    txn = partition.batch(deploy)
    (event,) = txn.to("process-events")
    assert (event["type"], event["subject"], event["definition_version"]) == (
        "definition_deployed",
        "definition:heating",
        1,
    )
    (record,) = txn.to("process-definitions")
    assert (record["id"], record["version"], record["definition"]) == ("heating", 1, definition)
    assert next(key for topic, _, key, *_ in txn.sent if topic == "process-definitions") == b"heating:1"

    def refused(**changes: Any) -> dict[str, Any]:
        changed = msgspec.json.encode({"type": "deploy_definition", "definition": {**definition, **changes}})
        (rejection,) = partition.batch(changed).to("process-rejections")
        return rejection

    assert refused()["reason"] == "unchanged"
    assert refused(name="Other")["reason"] == "version_exists"
    assert "Give the new content version 2" in refused(name="Other")["message"]
    assert partition.batch(
        msgspec.json.encode({"type": "deploy_definition", "definition": {**definition, "version": 3}})
    ).to("process-definitions")
    assert refused(version=2)["reason"] == "version_too_old"
    assert refused(version=4, activities=[])["reason"] == "invalid_definition"
    trigger = {**definition["triggers"][0], "topic": "nobody-told"} if "triggers" in definition else None
    assert trigger is not None
    rejection = refused(version=5, triggers=[trigger])
    assert rejection["reason"] == "undeclared_topic"
    assert "redpanda/topics.yaml" in rejection["message"]
