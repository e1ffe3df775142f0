"""An instance as it was: after every event, folding its rows gives what the processor's table held."""

from datetime import timedelta

import pytest

from projections.queries import HistoryEvent
from streams.core.apply import FoldError
from streams.core.commands import Cancel, CompleteActivity, Signal
from streams.core.durations import instant
from streams.core.events import Event
from streams.core.state import Finished, Instance
from tests.core.plant import Plant, fold
from tests.core.test_instances import APPROVAL, COOLING
from weir.replay.instance import InstanceThen, instance_then


def rows(log: list[Event], subject: str) -> list[HistoryEvent]:
    """The instance's rows of ``process_history``."""
    return [
        HistoryEvent(
            event.seq,
            event.time,
            event.type,
            event.activity_id,
            event.message,
            event.data,
            event.definition_id,
            event.definition_version,
            event.cause,
            event.token,
        )
        for event in log
        if event.subject == subject
    ]


def lives() -> list[Event]:
    """Instances that complete, fail, are cancelled and wait: for a message, a timer, an action."""
    plant = Plant(COOLING, APPROVAL)
    cooling = plant.start("cooling", "pump-1", device_id="pump-1", temperature=31.5)
    plant.start("cooling", "pump-2", device_id="pump-2", temperature=40)
    one, other, third = (plant.start("approval", f"order-{n}", amount=n) for n in range(3))
    plant.do(Signal(name="aside", key="order-1", payload={"n": 1}), after_ms=250)
    plant.do(CompleteActivity(instance_id=cooling, activity_id="cool", execution=2, attempt=1), after_ms=1_000)
    plant.do(Signal(name="decided", instance_id=one, payload={"approved": True}), after_ms=1)
    plant.do(Signal(name="decided", instance_id=other, payload={"by": "nobody"}), after_ms=1)
    plant.do(Cancel(instance_id=third, reason="enough"), after_ms=1)
    plant.observe("pump-1", flow_temp_c=20.25)
    while plant.due():
        plant.fire_next()
    assert {event.type for event in plant.log} >= {"completed", "failed", "cancelled", "timer_fired", "activity_failed"}
    return plant.log


def test_after_every_event_it_is_what_the_table_held() -> None:
    log, compared = lives(), 0
    for end, event in enumerate(log, 1):
        if ":" in event.subject:
            continue
        then = instance_then(event.subject, rows(log[:end], event.subject))
        held = fold(log[:end]).get(event.subject)
        assert (then.last_seq, then.updated_at) == (event.seq, event.time)
        if isinstance(held, Finished):
            assert (then.status, then.waiting) == (held.status, {})
            assert then.completed_at == event.time
        else:
            assert isinstance(held, Instance)
            compare(then, held)
        compared += 1
    assert compared > 40


def compare(then: InstanceThen, held: Instance) -> None:
    assert (str(then.id), then.business_key, then.status) == (held.id, held.key, held.status)
    assert (then.variables, then.steps, then.started_at) == (held.variables, held.steps, instant(held.started_at))
    assert {
        name: (wait.kind, wait.execution, wait.attempt, wait.due, wait.name) for name, wait in then.waiting.items()
    } == {
        name: (wait.kind, wait.execution, wait.attempt, wait.due and instant(wait.due), wait.name)
        for name, wait in held.waiting.items()
    }
    assert then.signals == [signal.name for signal in held.signals]
    failure = held.failure
    assert then.error == (None if failure is None else f"{failure.error_type}: {failure.error}")


def test_where_it_stood() -> None:
    log = lives()
    subject = next(event.subject for event in log if event.type == "timer_started")
    history = rows(log, subject)
    at = next(event.seq for event in history if event.event_type == "timer_started")
    then = instance_then(subject, history[:at])
    assert (then.status, then.current_activity, then.completed_at) == ("running", "wait", None)
    assert then.waiting["wait"].due == then.updated_at + timedelta(minutes=5)
    ended = instance_then(subject, history)
    assert (ended.status, ended.current_activity, ended.waiting) == ("completed", None, {})
    assert ended.variables["temperature"] == 20.25


def test_a_history_with_a_gap_is_not_folded() -> None:
    log = lives()
    history = rows(log, log[0].subject)
    with pytest.raises(FoldError, match=r"Expected seq 2 of .*, but got 3"):
        instance_then(log[0].subject, [history[0], *history[2:]])
