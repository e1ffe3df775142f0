"""Turns of a processor as spans: parents, links over waits, what is repeated, what is not sampled."""

from typing import Any

import msgspec
import pytest

from streams.core.clock import PlantClock
from streams.core.commands import Cancel, Command, CompleteActivity
from streams.core.ids import instance_id
from streams.core.state import Instance
from streams.processing import PartitionProcessor, decode_records
from streams.tracing.context import HEADER, Context, of_headers, trace_id
from streams.tracing.partition import TracedProcessor
from streams.tracing.span import Span
from streams.tracing.tracer import MemoryExporter, Tracer
from tests.streams.batches import Record, Transaction
from tests.streams.test_processing import Partition

CALLER = Context(trace_id("caller"), 7, sampled=True)
UNSAMPLED = CALLER._replace(sampled=False)


class Traced(Partition):
    """A partition whose processor is traced."""

    ratio = 1.0

    def rebuild(self) -> None:
        self.exporter = MemoryExporter()
        tracer = Tracer(self.exporter, self.ratio, now_ns=lambda: self.now * 1_000_000)
        self.processor = TracedProcessor(tracer, 1, self.topics, self, PlantClock(), 86_400_000, self.table.items())

    def spans(self) -> list[Span]:
        found, self.exporter.spans = self.exporter.spans, []
        return found

    def only(self) -> Span:
        [span] = self.spans()
        return span

    def asked(self) -> tuple[Instance, CompleteActivity]:
        """The one instance, and the answer to what it asks."""
        [instance] = self.instances()
        [(place, wait)] = instance.waiting.items()
        return instance, CompleteActivity(
            instance_id=instance.id, activity_id=place, execution=wait.execution, attempt=wait.attempt, output={}
        )

    def fire(self) -> Transaction:
        [instance] = self.instances()
        [wait] = instance.waiting.values()
        assert wait.due is not None
        self.now = wait.due + 1
        return self.batch()


@pytest.fixture
def partition() -> Traced:
    return Traced()


def stamped(partition: Traced, command: Command, parent: Context | None) -> Record:
    headers = [] if parent is None else [(HEADER, parent.encoded())]
    return Record(msgspec.json.encode(command), headers=headers, timestamp=partition.now)


def contexts(txn: Transaction, topic: str) -> set[Context | None]:
    return {of_headers(headers) for name, _, _, _, headers in txn.sent if name == topic}


def test_a_turn_is_the_child_of_what_sent_its_command_and_its_events_say_so(partition: Traced) -> None:
    txn = partition.batch(stamped(partition, partition.start_cooling(), CALLER))
    span = partition.only()
    assert (span.name, span.parent, span.context.trace_id) == ("start_process cooling", CALLER, CALLER.trace_id)
    assert contexts(txn, "process-events") == {span.context}
    assert span.attributes["weir.first_seq"] == 1
    assert "action_requested" in span.attributes["weir.events"]  # type: ignore[operator]
    assert span.error is None


def test_a_turn_after_a_timer_begins_a_trace_linked_to_the_one_before(partition: Traced) -> None:
    partition.batch(stamped(partition, partition.start_cooling(), CALLER))
    partition.spans()
    _, answer = partition.asked()
    action = CALLER.child("action", 1)
    partition.batch(stamped(partition, answer, action))
    answered = partition.only()
    assert (answered.parent, answered.links) == (action, ())
    partition.rebuild()  # another worker goes on with the partition
    partition.fire()
    fired = partition.only()
    assert (fired.name, fired.parent, fired.links) == ("fire_timer cooling", None, (answered.context,))
    assert fired.context.trace_id != CALLER.trace_id


def test_a_command_that_ends_a_wait_has_its_own_parent_and_is_linked(partition: Traced) -> None:
    partition.batch(stamped(partition, partition.start_cooling(), CALLER))
    started = partition.only()
    instance, _ = partition.asked()
    other = Context(trace_id("another caller"), 9, sampled=True)
    partition.batch(stamped(partition, Cancel(instance_id=instance.id), other))
    cancelled = partition.only()
    assert (cancelled.parent, cancelled.links) == (other, (started.context,))
    assert not [key for key in partition.table if key.startswith(b"trace:")], "it is over"


def test_what_is_decided_again_is_the_same_span_and_an_aborted_batch_gives_none(partition: Traced) -> None:
    record = stamped(partition, partition.start_cooling(), None)
    txn = Transaction(partition.table)
    aborted = partition.processor.process(decode_records([record]), txn, partition.now, caught_up=True)
    assert partition.spans() == []
    partition.batch(record)
    again = partition.only()
    assert [span.context for span in aborted.spans] == [again.context]
    assert again.parent is None


def test_a_refusal_is_a_failed_span(partition: Traced) -> None:
    partition.batch(stamped(partition, Cancel(instance_id=instance_id(partition.now, 1, "nothing")), CALLER))
    span = partition.only()
    assert (span.name, span.parent) == ("cancel", CALLER)
    assert span.error is not None
    assert span.error.startswith("unknown_instance")
    partition.batch(Record(b"{", timestamp=partition.now))
    assert partition.only().name == "unreadable"


def test_who_is_not_sampled_gives_no_span_and_tells_whoever_answers(partition: Traced) -> None:
    txn = partition.batch(stamped(partition, partition.start_cooling(), UNSAMPLED))
    assert partition.spans() == []
    assert not [key for key in partition.table if key.startswith(b"trace:")]
    told = {
        dict(headers)["ce_type"]: of_headers(headers) for name, _, _, _, headers in txn.sent if name == "process-events"
    }
    assert told[b"started"] is None
    asked = told[b"action_requested"]
    assert asked is not None
    assert (asked.trace_id, asked.sampled) == (CALLER.trace_id, False)


def test_a_timer_goes_on_as_what_it_is_linked_to(partition: Traced) -> None:
    partition.ratio = 0.0
    partition.rebuild()
    partition.batch(stamped(partition, partition.start_cooling(), CALLER))
    partition.batch(stamped(partition, partition.asked()[1], CALLER.child("action")))
    partition.spans()
    partition.fire()
    assert len(partition.only().links) == 1


def test_without_tracing_what_it_has_left_is_dropped(partition: Traced) -> None:
    partition.batch(stamped(partition, partition.start_cooling(), CALLER))
    assert [key for key in partition.table if key.startswith(b"trace:")]
    plain: Any = PartitionProcessor(1, partition.topics, partition, PlantClock(), 86_400_000, partition.table.items())
    partition.processor = plain
    partition.batch(partition.start_cooling())
    assert not [key for key in partition.table if key.startswith(b"trace:")]
