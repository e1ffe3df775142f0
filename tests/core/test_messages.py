"""Messages by name and correlation key: kept for who comes later, given to one that waits, once."""

from typing import Any

import pytest
from msgspec.structs import replace

from streams.core.commands import (
    Cancel,
    Deliver,
    PublishMessage,
    RefuseWait,
    Resume,
    Retry,
    ReturnMessage,
    Signal,
    Subscribe,
    Suspend,
)
from streams.core.decide.publish_message import publish_message
from streams.core.mailbox import Mailbox, mailbox_entity
from tests.core.plant import Plant, fold

ORDER = """
id: order
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: number, required: true}, {name: paid}]
activities:
  - {id: wait, type: message, name: paid, correlation: number, output: paid}
  - {id: told, type: service, action: log, config: {message: "Paid ${paid.amount}"}}
"""
INVOICE = """
id: invoice
version: 1
trigger: {type: message, name: ordered}
variables: [{name: amount, source: payload.amount, type: number, required: true}]
activities:
  - {id: wait, type: message, name: decided}
"""


def _order(plant: Plant, number: str = "A-1") -> str:
    instance = plant.start("order", None, number=number)
    plant.settle()
    return instance


def _paid(number: str = "A-1", amount: int = 5, **more: Any) -> PublishMessage:
    return PublishMessage(name="paid", correlation_key=number, payload={"amount": amount}, **more)


def _box(plant: Plant, key: str = "A-1") -> Mailbox:
    found = plant.table.get(mailbox_entity(key))
    assert isinstance(found, Mailbox)
    return found


def test_a_message_goes_to_the_instance_that_waits_for_its_key() -> None:
    plant = Plant(ORDER)
    one, other = _order(plant, "A-1"), _order(plant, "A-2")
    assert [event.type for event in plant.do(_paid("A-2"))] == ["message_correlated", "mailbox_forgotten"]
    plant.settle()
    assert plant.types(other)[-1] == "completed end"
    assert plant.types(one)[-1] == "message_awaited wait"
    assert mailbox_entity("A-2") not in plant.table.records


def test_a_message_that_comes_early_waits_for_the_instance() -> None:
    plant = Plant(ORDER)
    plant.do(_paid(amount=7))
    plant.do(_paid(amount=8))
    first = _order(plant)
    assert plant.state(first).status == "completed"
    assert [held.payload["amount"] for held in _box(plant).messages] == [8]


def test_it_waits_until_it_expires() -> None:
    plant = Plant(ORDER)
    plant.do(_paid(ttl_ms=60_000))
    assert [event.type for event in plant.fire_next()] == ["message_expired", "mailbox_forgotten"]
    assert plant.now - plant.log[-3].time.timestamp() * 1000 == 60_000
    instance = _order(plant)
    assert plant.types(instance)[-1] == "message_awaited wait"


def test_one_that_is_not_to_be_kept_is_refused_where_nobody_waits() -> None:
    assert Plant(ORDER).refused(_paid(ttl_ms=0))[0] == "no_receiver"


def test_a_message_that_is_sent_twice_counts_once() -> None:
    plant = Plant(ORDER)
    plant.do(_paid(message_id="m1"))
    assert plant.refused(_paid(message_id="m1"))[0] == "duplicate_message"
    plant.do(_paid(message_id="m2"), after_ms=3_600_000)
    assert plant.do(_paid(message_id="m1"))[0].type == "message_buffered"


def test_of_those_that_wait_the_one_that_waits_longest_gets_it() -> None:
    plant = Plant(ORDER)
    first, second = _order(plant), _order(plant)
    plant.do(_paid())
    plant.settle()
    assert (plant.state(first).status, plant.state(second).status) == ("completed", "running")


def test_an_instance_that_ends_does_not_wait_any_more() -> None:
    plant = Plant(ORDER)
    first, second = _order(plant), _order(plant)
    plant.do(Cancel(instance_id=first))
    plant.settle()
    plant.do(_paid())
    plant.settle()
    assert plant.state(second).status == "completed"


def test_a_message_that_was_under_way_to_an_instance_that_ended_goes_to_the_next() -> None:
    plant = Plant(ORDER)
    first, second = _order(plant), _order(plant)
    plant.do(_paid())
    plant.do(Cancel(instance_id=first))
    plant.settle()
    assert (plant.state(first).status, plant.state(second).status) == ("cancelled", "completed")


def test_or_waits_for_the_next() -> None:
    plant = Plant(ORDER)
    first = _order(plant)
    plant.do(_paid(amount=1))
    plant.do(_paid(amount=2))
    plant.do(Cancel(instance_id=first))
    plant.settle()
    assert [held.payload["amount"] for held in _box(plant).messages] == [1, 2]


def test_a_suspended_instance_gets_its_message_when_it_goes_on() -> None:
    plant = Plant(ORDER)
    instance = _order(plant)
    plant.do(Suspend(instance_id=instance))
    plant.do(_paid())
    plant.settle()
    assert plant.types(instance)[-1] == "input_held wait"
    plant.do(Resume(instance_id=instance))
    plant.settle()
    assert plant.state(instance).status == "completed"


def test_a_correlation_key_may_be_put_together() -> None:
    plant = Plant(ORDER.replace("correlation: number", """correlation: '"order-" + string(number)'"""))
    instance = _order(plant, "7")
    plant.do(_paid("order-7"))
    plant.settle()
    assert plant.state(instance).status == "completed"


def test_a_signal_to_the_instance_serves_too_and_ends_the_subscription() -> None:
    plant = Plant(ORDER)
    instance = _order(plant)
    plant.do(Signal(name="paid", instance_id=instance, payload={"amount": 1}))
    plant.settle()
    assert plant.state(instance).status == "completed"
    assert mailbox_entity("A-1") not in plant.table.records


def test_a_delivery_that_is_not_awaited_goes_to_the_one_that_waits() -> None:
    plant = Plant(ORDER)
    instance = _order(plant)
    command = Deliver(
        name="paid",
        correlation_key="A-1",
        instance_id=instance,
        activity_id="wait",
        execution=9,
        payload={"amount": 1},
        expires_ms=plant.now + 1000,
    )
    assert plant.refused(command)[0] == "not_awaited"
    plant.settle()
    assert plant.state(instance).status == "completed"


def test_a_message_that_nobody_waits_for_starts_a_process() -> None:
    plant = Plant(INVOICE)
    plant.do(PublishMessage(name="ordered", correlation_key="A-1", payload={"amount": 12}))
    plant.settle()
    (instance,) = plant.instances()
    assert (instance.key, instance.variables) == ("A-1", {"amount": 12})
    reason, text = plant.refused(PublishMessage(name="ordered", correlation_key="A-2", payload={}))
    assert reason == "invalid_variables"
    assert text.startswith("Message 'ordered' would start invoice: Expected a value for variable 'amount'")


def test_a_correlation_may_be_made_of_texts() -> None:
    plant = Plant(ORDER.replace("correlation: number", "correlation: \"'order-' + number\""))
    one = _order(plant)
    plant.do(_paid("order-A-1"))
    plant.settle()
    assert plant.state(one).status == "completed"


def test_a_key_does_not_hold_messages_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(publish_message.__globals__, "MAX_BUFFERED", 2)
    plant = Plant(ORDER)
    for amount in range(2):
        plant.do(_paid(amount=amount))
    assert plant.refused(_paid()) == ("too_many_messages", "Key 'A-1' holds 2 messages that nobody has taken")


def _returned(plant: Plant, expires_ms: int) -> ReturnMessage:
    return ReturnMessage(name="paid", correlation_key="A-1", payload={"amount": 1}, expires_ms=plant.now + expires_ms)


def test_a_message_that_comes_back_after_its_time_is_refused() -> None:
    plant = Plant(ORDER)
    assert plant.refused(_returned(plant, 0)) == (
        "expired",
        "Message 'paid' of key 'A-1' has expired at 2013-12-10T06:25:00.000Z",
    )
    assert [event.type for event in plant.do(_returned(plant, 1))] == ["message_buffered"]


def test_an_activity_subscribes_once() -> None:
    plant = Plant(ORDER)
    instance = _order(plant)
    again = Subscribe(name="paid", correlation_key="A-1", instance_id=instance, activity_id="wait", execution=1)
    assert plant.refused(again) == ("already_subscribed", f"Instance {instance} waits there already")


def test_a_message_of_another_name_stays_for_who_waits_for_it() -> None:
    plant = Plant(ORDER)
    plant.do(PublishMessage(name="shipped", correlation_key="A-1", payload={}))
    instance = _order(plant)
    assert plant.types(instance)[-1] == "message_awaited wait"
    plant.do(_paid())
    plant.settle()
    assert plant.state(instance).status == "completed"
    assert [held.name for held in _box(plant).messages] == ["shipped"]


def test_a_branch_gets_the_message_that_it_waits_for() -> None:
    wait = "{id: wait, type: message, name: paid, correlation: number, output: paid}"
    branches = f"{{id: both, type: parallel, branches: {{a: {wait}, b: {{id: nap, type: timer, duration: 1m}}}}}}"
    plant = Plant(ORDER.replace(wait, branches))
    instance = _order(plant)
    plant.do(_paid())
    plant.settle()
    assert plant.types(instance)[-2:] == ["variable_changed", "branch_completed both@1.1"]


def test_a_correlation_key_is_a_text_or_a_number() -> None:
    plant = Plant(ORDER)
    plant.start("order", None, number=True)
    (instance,) = plant.instances()
    assert instance.failure is not None
    assert (
        instance.failure.error
        == "order: activity wait: Expected a text or a number as correlation key, but 'number' is True"
    )


def test_the_moment_of_a_message_that_was_taken_meanwhile_does_nothing() -> None:
    plant = Plant(ORDER)
    plant.do(_paid(ttl_ms=60_000))
    [(_, timer)] = plant.due()
    _order(plant)
    assert mailbox_entity("A-1") not in plant.table.records
    assert plant.do(timer) == []


def test_a_message_that_came_while_the_instance_was_suspended_goes_to_the_next_one_when_it_is_cancelled() -> None:
    plant = Plant(ORDER)
    one = _order(plant)
    plant.do(Suspend(instance_id=one))
    plant.do(_paid())
    plant.settle()
    assert plant.log[-1].type == "input_held"
    plant.do(Cancel(instance_id=one))
    plant.settle()
    assert [held.payload for held in _box(plant).messages] == [{"amount": 5}]
    other = _order(plant)
    assert plant.log[-2].message == "Paid 5"
    assert plant.state(other).status == "completed"


@pytest.mark.parametrize("suspended", [False, True])
def test_what_cannot_be_subscribed_to_is_not_waited_for(*, suspended: bool) -> None:
    """A correlation key has room for some thousands who wait; whoever finds it full would wait for ever."""
    plant = Plant(ORDER)
    one = plant.start("order", None, number="A-1")
    if suspended:
        plant.do(Suspend(instance_id=one))
    plant.refuse_follow_up(Subscribe)
    plant.settle()
    if suspended:
        assert plant.types(one)[-1] == "input_held wait"
        plant.do(Resume(instance_id=one))
        plant.settle()
    assert plant.types(one)[-2:] == ["activity_failed wait", "failed wait"]
    assert plant.log[-1].data["error_type"] == "limit"
    assert plant.log[-1].message == "Message 'paid' cannot be awaited under key 'A-1': full"
    plant.do(Retry(instance_id=one))
    plant.settle()
    plant.do(_paid())
    plant.settle()
    assert plant.state(one).status == "completed"
    assert fold(plant.log).records == plant.table.records


def test_a_refusal_of_what_is_waited_for_no_more_does_nothing() -> None:
    plant = Plant(ORDER)
    one = plant.start("order", None, number="A-1")
    plant.do(Signal(instance_id=one, name="paid", payload={"amount": 3}))
    plant.refuse_follow_up(Subscribe)
    plant.settle()
    assert plant.state(one).status == "completed"
    other = plant.start("order", None, number="A-2")
    late = RefuseWait(instance_id=other, activity_id="wait", execution=7, error_type="limit", error="full")
    assert plant.refused(late)[0] == "not_awaited"
    assert plant.refused(replace(late, instance_id=one))[0] == "not_running"
    assert plant.refused(replace(late, activity_id=None, execution=0))[0] == "not_queued"


@pytest.mark.parametrize("stop", ["suspend", "fail"])
def test_what_came_in_time_while_the_instance_stood_still_comes_before_its_deadline(stop: str) -> None:
    wait = "{id: wait, type: message, name: paid, correlation: number, output: paid, timeout: 10m}"
    other = "{id: call, type: service, action: mqtt_publish, topic: t, payload: 1}"
    both = f"{{id: both, type: parallel, branches: {{a: {wait}, b: {other}}}}}"
    plant = Plant(ORDER.replace("{id: wait, type: message, name: paid, correlation: number, output: paid}", both))
    one = _order(plant)
    plant.do(Suspend(instance_id=one)) if stop == "suspend" else plant.refuse(one, "call", "1.2")
    plant.do(_paid(), after_ms=60_000)
    plant.settle()
    assert plant.log[-1].type == "input_held"
    plant.do(Resume(instance_id=one) if stop == "suspend" else Retry(instance_id=one), after_ms=3_600_000)
    for due, timer in plant.due():  # what is due comes before the commands that follow
        if due < plant.now and timer.activity_id == "wait":
            plant.do(timer)
    plant.settle()
    assert "activity_failed wait@1.1" not in plant.types(one)
    assert "activity_completed wait@1.1" in plant.types(one)
    assert fold(plant.log).records == plant.table.records
