"""Notices: people are told of a task beside it, nothing waits for that, and what became of it is recorded once."""

from typing import Any

from streams.core.apply.notice import MAX_OPEN
from streams.core.commands import CompleteTask, RecordNotice, Suspend
from streams.core.events import Event
from streams.core.state import Instance
from tests.core.plant import Plant, fold
from tests.core.test_user_tasks import Desk

ASK = """
id: ask
version: 1
trigger: {type: api}
variables: [{name: room, value: "7"}, {name: mail, value: anna@example.org}]
activities:
  - id: repair
    type: user_task
    title: "Repair ${room}"
    notify: floor
    candidates: {users: [anna, ben], groups: [night]}
    reminders: {every: 1h, notify: {channel: mail, to: "${mail}", title: "Room ${room}"}}
    escalation: [{after: 90m, to: boss, notify: {channel: boss, message: "Nobody repairs ${room}"}}]
"""


def notices(plant: Plant) -> list[Event]:
    return [event for event in plant.log if event.type == "notice_requested"]


def test_people_are_told_when_a_task_is_created_reminded_of_and_escalated() -> None:
    desk = Desk(ASK)
    for _ in range(3):
        desk.plant.fire_next()
    assert desk.kinds() == ["created", "reminded", "escalated", "reminded"]
    about = f"Repair 7 ({desk.id})"
    reminder = {"message": f"Reminder: {about}", "channel": "mail", "to": ["anna@example.org"], "title": "Room 7"}
    both, boss = {"people": ["anna", "ben"]}, {"people": ["boss"]}
    assert [event.data["config"] for event in notices(desk.plant)] == [
        {"message": f"Task: {about}", "channel": "floor", **both},
        reminder | both,
        {"message": "Nobody repairs 7", "channel": "boss", **boss},
        reminder | boss,
    ]
    first, second, *_ = notices(desk.plant)
    assert first.data["idempotency_key"] == f"{desk.instance}:notice:{first.seq}"
    assert (first.data["action"], first.data["not_after"]) == ("notify", "2013-12-10T06:25:30.000Z")
    assert (second.activity_id, second.data["execution"]) == ("repair", desk.execution)


def test_of_approvers_those_are_told_who_have_not_answered() -> None:
    lines = [line for line in ASK.splitlines() if "escalation" not in line]
    text = "\n".join(lines).replace("candidates: {users: [anna, ben], groups: [night]}", "approvers: [anna, ben]")
    desk = Desk(text)
    desk.do(CompleteTask, "anna", outcome="approved")
    desk.plant.fire_next()
    first, reminder = [event.data["config"]["people"] for event in notices(desk.plant)]
    assert (first, reminder) == (["anna", "ben"], ["ben"])


def test_nothing_waits_for_a_notice() -> None:
    desk = Desk(ASK)
    desk.do(CompleteTask, "anna")
    assert desk.status == "completed"
    command = RecordNotice(instance_id=desk.instance, notice=notices(desk.plant)[0].seq)
    assert desk.plant.refused(command)[0] == "not_running"


def record(desk: Desk, notice: int, **more: Any) -> list[Event]:
    return desk.plant.do(RecordNotice(instance_id=desk.instance, notice=notice, **more))


def test_what_became_of_a_notice_is_recorded_once() -> None:
    desk = Desk(ASK)
    desk.plant.fire_next()
    first, second = [event.seq for event in notices(desk.plant)]
    [sent] = record(desk, first)
    assert (sent.type, sent.data) == ("notice_sent", {"notice": first})
    again = f"Instance {desk.instance} does not expect what became of notice {first}: it was told before"
    assert desk.plant.refused(RecordNotice(instance_id=desk.instance, notice=first)) == ("not_awaited", again)
    desk.plant.do(Suspend(instance_id=desk.instance))
    [failed] = record(desk, second, error_type="smtp", error="no such mailbox")
    assert failed.data == {"notice": second, "error_type": "smtp", "error": "no such mailbox"}
    state = desk.plant.state(desk.instance)
    assert isinstance(state, Instance)
    assert state.notices == []
    assert fold(desk.plant.log).records == desk.plant.table.records


def test_open_notices_are_bounded() -> None:
    desk = Desk(ASK.replace("escalation:", "description: x #"))
    for _ in range(20):
        desk.plant.fire_next()
    asked = [event.seq for event in notices(desk.plant)]
    assert len(asked) == 21
    state = desk.plant.state(desk.instance)
    assert isinstance(state, Instance)
    assert state.notices == asked[-MAX_OPEN:]
    assert desk.plant.refused(RecordNotice(instance_id=desk.instance, notice=asked[0]))[0] == "not_awaited"


def test_a_notice_that_cannot_be_rendered_has_failed_and_nothing_else() -> None:
    desk = Desk(ASK.replace("notify: floor", 'notify: {channel: "${room.floor}"}'))
    [failed] = [event for event in desk.plant.log if event.type == "notice_failed"]
    assert (failed.data["notice"], failed.data["error_type"]) == (0, "expression")
    assert "room.floor" in failed.data["error"]
    assert (desk.status, desk.kinds()) == ("running", ["created"])
