"""Poison in a processor's partition: a dead letter or a refusal each, and the rest goes on."""

import logging
from typing import Any

import msgspec
import pytest
import structlog

from streams.codec import MAX_STATE_BYTES, decode_entity
from streams.core.commands import CompleteActivity, Observe, Signal, StartProcess, Subscribe
from streams.core.decide import DECIDERS
from streams.core.mailbox import Mailbox, Subscription
from streams.core.process import Process, UnusableError
from streams.core.state import Instance
from streams.core.turn import Turn
from streams.deadletters import DeadLetter, ours, reason_of, source_of
from tests.poison import HEADERS, KEYS, Poison, poison
from tests.streams.batches import Record, Transaction
from tests.streams.test_processing import Partition

SIGNAL = b'{"type":"signal","name":"go","key":"k","payload":{"x":@}}'


@pytest.fixture
def partition() -> Partition:
    return Partition()


def letters(txn: Transaction) -> list[Any]:
    return [record for record in txn.sent if record[0] == "process-dead-letters"]


@pytest.mark.parametrize("bad", poison(SIGNAL), ids=lambda bad: bad.name)
def test_poison_is_a_dead_letter_and_what_follows_is_decided(partition: Partition, bad: Poison) -> None:
    txn = partition.batch(Record(bad.value), partition.start_cooling())
    (letter,) = letters(txn)
    assert letter[3] == bad.value
    assert any(told in ours(letter[4])["weir_reason"] for told in bad.told.split("|")), ours(letter[4])
    assert txn.to("process-events")[0]["type"] == "started"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [b"{", SIGNAL.replace(b"@", b"1")], ids=["bad", "elsewhere"])
def test_keys_and_headers_may_be_anything(partition: Partition, key: bytes | None, value: bytes) -> None:
    """They are kept as they are, ours before them; a forwarded record counts its hops anew."""
    value = value.replace(b'"key":"k"', b'"key":"%s"' % partition.away.encode())
    txn = partition.batch(Record(value, key, HEADERS), partition.start_cooling())
    assert txn.to("process-events")
    (kept,) = [record for record in txn.sent if record[2:4] == (key, value)]
    if value == b"{":
        assert kept[4][-len(HEADERS) :] == list(HEADERS)
        assert source_of(kept[4]) == ("process-commands", 1, 0)
    else:
        assert [content for name, content in kept[4] if name == "weir_hops"] == [b"1"]
        assert [content for name, content in kept[4] if name == "weir_from"] == [b"1:0"]


def test_why_a_record_is_a_letter_is_told_where_somebody_says_so() -> None:
    """The topic is open to anybody: whoever follows it does not end by a record that is none of ours."""
    _, _, whole = DeadLetter("process-commands", 1, 7, b"k", b"{", "Not JSON", "processor").record(0)
    assert (source_of(whole), reason_of(whole)) == (("process-commands", 1, 7), "Not JSON")
    by_hand = [one for one in whole if one[0] != "weir_reason"]
    assert (source_of(by_hand), reason_of(by_hand)) == (("process-commands", 1, 7), "")
    assert reason_of([("weir_reason", b"not behind the source")]) == ""


def test_an_integer_that_no_state_holds_is_refused_and_costs_no_instance(partition: Partition) -> None:
    """Other limits are the instance's own, and it fails: this number can only have come with the command."""
    partition.batch(StartProcess(definition_id="approval", key=partition.home, variables={"amount": 1}))
    (instance,) = partition.instances()
    txn = partition.batch(Signal(name="other", instance_id=instance.id, payload={"x": 10**30}))
    assert [one["reason"] for one in txn.to("process-rejections")] == ["limit"]
    assert txn.to("process-events") == []
    assert [one.status for one in partition.instances()] == ["running"]


def test_who_finds_no_room_to_be_noted_is_told(partition: Partition) -> None:
    """It is not the instance that is too large: it is told that its wait is over, wherever it lives."""
    partition.batch(StartProcess(definition_id="approval", key=partition.home, variables={"amount": 1}))
    (instance,) = partition.instances()
    subscribe = Subscribe(
        name="n" * 200, correlation_key=partition.home, instance_id=instance.id, activity_id="w", execution=1
    )
    full = Mailbox(1, partition.home, waiting=[Subscription("n" * 200, "x" * 36, "w", n) for n in range(1, 2_000)])
    while len(encoded := msgspec.msgpack.encode(full)) > MAX_STATE_BYTES:
        full.waiting.pop()
    partition.table[f"message:{partition.home}".encode()] = encoded
    txn = partition.batch(subscribe)
    assert [one["reason"] for one in txn.to("process-rejections")] == ["limit"]
    (told,) = txn.to("process-commands")
    assert (told["type"], told["instance_id"], told["execution"]) == ("refuse_wait", instance.id, 1)
    assert txn.to("process-events") == []
    assert [one.status for one in partition.instances()] == ["running"]


def test_an_instance_that_is_full_to_the_brim_can_still_fail(partition: Partition) -> None:
    partition.batch(StartProcess(definition_id="approval", key=partition.home, variables={"amount": 1}))
    (instance,) = partition.instances()
    subject = instance.id.encode()
    while (room := MAX_STATE_BYTES - len(partition.table[subject])) > 100:
        payload = {"x": "y" * min(60_000, room - 60)}
        partition.batch(Signal(name="other", instance_id=instance.id, payload=payload))
    txn = partition.batch(Signal(name="other", instance_id=instance.id, payload={"x": "y" * 300}))
    assert txn.to("process-events")[0]["data"]["error_type"] == "limit"
    state = decode_entity(partition.table[subject])
    assert isinstance(state, Instance)
    assert state.status == "failed"


def test_a_bug_with_a_long_story_is_cut(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    partition.batch(partition.start_cooling())
    (instance,) = partition.instances()

    def broken(_turn: Turn, _command: Signal) -> None:
        raise ValueError("\0\ud800" + "x" * 300_000)

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # its traceback is long
    monkeypatch.setitem(DECIDERS, Signal, broken)
    txn = partition.batch(Signal(name="poison", instance_id=instance.id))
    assert len(letters(txn)) == 1
    (failed,) = txn.to("process-events")
    assert (failed["type"], failed["data"]["error_type"]) == ("failed", "incident")
    assert failed["message"].startswith("ValueError: ?xxx")


class Unusable:
    """Definitions of which one does not compile."""

    def __init__(self, partition: Partition, unusable: str) -> None:
        self.partition, self.unusable = partition, unusable

    def inactive(self, definition_id: str, version: int | None) -> bool:
        return False

    def get(self, definition_id: str, version: int | None) -> Process | None:
        if definition_id == self.unusable:
            raise UnusableError(f"{definition_id} was deployed, but this Weir does not compile it: too dear")
        return self.partition.get(definition_id, version)


def test_a_definition_that_does_not_compile_costs_its_own_instances_only(partition: Partition) -> None:
    partition.batch(
        partition.start_cooling(),
        StartProcess(definition_id="approval", key=partition.home, variables={"amount": 1}),
    )
    partition.processor._definitions = Unusable(partition, "cooling")
    partition.processor._around.process = partition.processor._definitions.get
    start = partition.start_cooling()
    assert not partition.processor.lacks_definition([(Record(b""), start)])
    (rejection,) = partition.batch(start).to("process-rejections")
    assert (rejection["reason"], "too dear" in rejection["message"]) == ("unusable_definition", True)
    observe = Observe(topic="heatpump-telemetry", key=partition.home, reading={"fields": {"flow_temp_c": 1.0}})
    assert letters(partition.batch(observe)) == []
    (cooling,) = [one for one in partition.instances() if one.definition_id == "cooling"]
    answer = CompleteActivity(instance_id=cooling.id, activity_id="cool", execution=2, attempt=1)
    txn = partition.batch(answer)
    assert len(letters(txn)) == 1
    assert "too dear" in txn.to("process-events")[0]["message"]
    txn = partition.batch(msgspec.json.encode({"type": "signal", "name": "decided", "key": partition.home}))
    assert txn.to("process-events")[0]["type"] == "signal_received"
