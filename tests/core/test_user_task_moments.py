"""Reminders and escalations: they come in plant time, each once, and only while the task is open."""

from datetime import UTC, datetime

from streams.core.commands import ClaimTask, CompleteTask, DelegateTask, UpdateTask
from streams.core.durations import instant
from tests.core.plant import START
from tests.core.test_user_tasks import HOUR, Desk

HEAD = "id: x\nversion: 1\ntrigger: {type: api}\nvariables: [{name: boss, value: eva}]\nactivities:\n"
ASK = HEAD + "  - {id: ask, type: user_task, candidates: [anna, ben], due: 10h, MORE}\n"


def desk(more: str) -> Desk:
    return Desk(ASK.replace("MORE", more))


def moments(one: Desk, kind: str) -> list[float]:
    """When it reminded or escalated, in hours after the start."""
    return [
        (event.time - instant(START)).total_seconds() / 3600 for event in one.plant.log if event.type == f"task_{kind}"
    ]


def test_reminders_come_every_so_often_and_before_it_is_due() -> None:
    one = desk("reminders: {every: 4h, before_due: 30m, max: 4}")
    while one.plant.due():
        one.plant.fire_next()
    assert moments(one, "reminded") == [4, 8, 9.5, 13.5]
    assert [data["count"] for kind, data in one.told() if kind == "reminded"] == [1, 2, 3, 4]
    assert one.task.reminded == 4


def test_an_answer_ends_the_reminders() -> None:
    one = desk("reminders: 4h")
    one.plant.fire_next()
    one.do(CompleteTask, "anna")
    assert one.plant.due() == []


def test_a_new_due_moment_moves_what_counts_from_it() -> None:
    one = desk("reminders: {before_due: 1h}, escalation: [{after_due: 1h, priority: 99}]")
    one.do(UpdateTask, "boss", due=datetime.fromtimestamp(START / 1000, UTC) + (20 * (instant(HOUR) - instant(0))))
    while one.plant.due():
        one.plant.fire_next()
    assert (moments(one, "reminded"), moments(one, "escalated")) == ([19], [21])
    assert one.task.priority == 99


def test_escalations_come_one_after_the_other() -> None:
    one = desk(
        "escalation: [{after: 1h, priority: 80}, {after: 2h, to: '${boss}'},"
        " {after_due: 1h, to: {group: all}, queue: late}]"
    )
    one.do(ClaimTask, "anna")
    one.plant.fire_next()
    assert (one.task.assignee, one.task.priority, one.task.level) == ("anna", 80, 1)
    one.plant.fire_next()
    assert (one.task.assignee, one.task.level) == ("eva", 2)
    one.plant.fire_next()
    assert (one.task.assignee, one.task.users, one.task.groups) == (None, ["anna", "ben"], ["all"])
    assert [timer for _, timer in one.plant.due() if timer.purpose == "task_escalation"] == []
    assert moments(one, "escalated") == [1, 2, 11]
    assert [data for kind, data in one.told() if kind == "escalated"] == [
        {"level": 1, "priority": 80, "escalate_at": "2013-12-10T08:25:00.000Z"},
        {"level": 2, "assignee": "eva", "escalate_at": "2013-12-10T17:25:00.000Z"},
        {"level": 3, "assignee": None, "users": ["anna", "ben"], "groups": ["all"], "queue": "late"},
    ]


def test_an_escalation_ends_a_delegation() -> None:
    one = desk("escalation: [{after: 1h, to: boss}]")
    one.do(ClaimTask, "anna")
    one.do(DelegateTask, "anna", to="carl")
    one.plant.fire_next()
    assert (one.task.assignee, one.task.owner) == ("boss", None)


def test_an_escalation_that_renders_to_nothing_fails_the_activity() -> None:
    one = Desk(ASK.replace("MORE", "escalation: [{after: 1h, to: '${boss}'}]"), boss=7)
    one.plant.fire_next()
    assert [event.type for event in one.plant.log[-3:]] == ["task_cancelled", "activity_failed", "failed"]
    failed = one.plant.log[-1]
    assert failed.data["error_type"] == "expression"
    assert "Expected a name of at most 200 characters as user, but got 7" in failed.data["error"]


def test_a_timer_that_is_over_does_nothing() -> None:
    one = desk("reminders: 4h")
    (due, timer), *_ = one.plant.due()
    one.do(CompleteTask, "anna")
    one.plant.now = due
    assert one.plant.do(timer) == []
