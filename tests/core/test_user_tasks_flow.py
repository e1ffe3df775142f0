"""Tasks beside everything else that an instance does: branches, items, timeouts, failures, suspension, migration."""

from typing import Any

from streams.core.commands import (
    Cancel,
    ClaimTask,
    CompleteActivity,
    CompleteTask,
    FailActivity,
    Migrate,
    Resume,
    Retry,
    Suspend,
)
from streams.core.state import Finished, Instance
from tests.core.plant import Plant, fold

HEAD = "version: 1\ntrigger: {type: api}\n"


def tasks(plant: Plant, instance: str) -> dict[str, str]:
    """The open tasks, by activity and token."""
    state = plant.state(instance)
    assert isinstance(state, Instance)
    return {
        f"{task.activity_id}@{task.token}" if task.token else task.activity_id: f"{instance}:{execution}"
        for execution, task in state.tasks.items()
    }


def complete(plant: Plant, task: str, user: str = "anna", **answers: Any) -> None:
    assert plant.do(CompleteTask(task_id=task, user=user, answers=answers)), plant.last and plant.last.rejection


def kinds(plant: Plant) -> list[str]:
    return [f"{event.type} {event.activity_id}" for event in plant.log if event.type.startswith("task_")]


def same_on_replay(plant: Plant) -> bool:
    return fold(plant.log).records == plant.table.records


BRANCHES = (
    "id: x\n"
    + HEAD
    + """
activities:
  - id: both
    type: parallel
    join: JOIN
    branches:
      a: [{id: ask_a, type: user_task, output: {a: answers.x}}]
      b: [{id: ask_b, type: user_task, reminders: 1h, output: {b: answers.x}}]
"""
)


def test_branches_have_tasks_of_their_own() -> None:
    plant = Plant(BRANCHES.replace("JOIN", "all"))
    instance = plant.start("x")
    found = tasks(plant, instance)
    assert sorted(found) == ["ask_a@1.1", "ask_b@1.2"]
    complete(plant, found["ask_b@1.2"], x=2)
    assert list(tasks(plant, instance)) == ["ask_a@1.1"]
    complete(plant, found["ask_a@1.1"], x=1)
    assert isinstance(plant.state(instance), Finished)
    assert same_on_replay(plant)


def test_a_branch_that_is_not_needed_any_more_cancels_its_task() -> None:
    plant = Plant(BRANCHES.replace("JOIN", "any"))
    instance = plant.start("x")
    found = tasks(plant, instance)
    complete(plant, found["ask_a@1.1"])
    assert kinds(plant)[-2:] == ["task_completed ask_a", "task_cancelled ask_b"]
    assert isinstance(plant.state(instance), Finished)
    late = CompleteTask(task_id=found["ask_b@1.2"], user="anna")
    assert plant.refused(late)[0] == "task_not_open"
    assert plant.due() == []
    assert same_on_replay(plant)


def test_each_item_asks_for_itself() -> None:
    plant = Plant(
        "id: x\n"
        + HEAD
        + """
variables: [{name: rooms, value: [kitchen, hall]}, {name: found}]
activities:
  - id: each
    type: foreach
    items: rooms
    as: room
    concurrency: 2
    collect: cold
    output: found
    activities:
      - {id: look, type: user_task, title: "Is ${room} cold?", output: {cold: answers.cold}}
"""
    )
    instance = plant.start("x")
    titles = [event.data["title"] for event in plant.log if event.type == "task_created"]
    assert titles == ["Is kitchen cold?", "Is hall cold?"]
    kitchen, hall = sorted(tasks(plant, instance).values(), key=lambda id_: int(id_.rpartition(":")[2]))
    complete(plant, hall, cold=False)
    complete(plant, kitchen, cold=True)
    [collected] = [event.data["value"] for event in plant.log if event.data.get("name") == "found"]
    assert collected == [True, False]
    assert same_on_replay(plant)


TIMED = (
    "id: x\n"
    + HEAD
    + """
activities:
  - {id: ask, type: user_task, reminders: 1h, timeout: 2h30m, on_timeout: late, next: end}
  - {id: late, type: service, action: log, config: {message: nobody answered}}
  - {id: end, type: end}
"""
)


def test_a_task_that_takes_too_long_is_cancelled_and_the_handler_goes_on() -> None:
    plant = Plant(TIMED)
    instance = plant.start("x")
    while plant.due():
        plant.fire_next()
    assert kinds(plant) == ["task_created ask", "task_reminded ask", "task_reminded ask", "task_cancelled ask"]
    assert isinstance(plant.state(instance), Finished)
    assert [event.activity_id for event in plant.log if event.type == "activity_started"] == ["ask", "late"]
    assert same_on_replay(plant)


def test_an_answer_in_time_ends_the_timeout() -> None:
    plant = Plant(TIMED)
    instance = plant.start("x")
    complete(plant, tasks(plant, instance)["ask"])
    assert plant.due() == []
    assert isinstance(plant.state(instance), Finished)


def test_a_task_under_a_condition_is_not_even_created() -> None:
    plant = Plant("id: x\n" + HEAD + "activities: [{id: ask, type: user_task, condition: 1 > 2}]\n")
    instance = plant.start("x")
    assert kinds(plant) == []
    assert isinstance(plant.state(instance), Finished)


FAILING = (
    "id: x\n"
    + HEAD
    + """
activities:
  - id: both
    type: parallel
    branches:
      ask: [{id: ask, type: user_task, reminders: 1h}]
      act: [{id: act, type: service, action: mqtt_publish, topic: t, payload: 1, retry: none}]
"""
)


def failed() -> tuple[Plant, str]:
    plant = Plant(FAILING)
    instance = plant.start("x")
    state = plant.state(instance)
    assert isinstance(state, Instance)
    [(place, wait)] = [(place, wait) for place, wait in state.waiting.items() if wait.kind == "action"]
    answer = {"instance_id": instance, "activity_id": "act", "execution": wait.execution, "attempt": 1}
    token = place.partition("@")[2]
    plant.do(FailActivity(**answer, token=token, error_type="mqtt", error="no broker"))
    return plant, instance


def test_a_failed_instance_holds_its_task_until_it_is_retried() -> None:
    plant, instance = failed()
    [task] = tasks(plant, instance).values()
    assert plant.due() == []
    why = f"Cannot claim task {task}: its instance is failed. It can be done once that runs again"
    assert plant.refused(ClaimTask(task_id=task, user="anna")) == ("task_not_open", why)
    plant.do(Retry(instance_id=instance))
    assert [timer.purpose for _, timer in plant.due() if timer.activity_id == "ask"] == ["task_reminder"]
    complete(plant, task)
    state = plant.state(instance)
    assert isinstance(state, Instance)
    [(place, wait)] = state.waiting.items()
    plant.do(
        CompleteActivity(
            instance_id=instance, activity_id="act", execution=wait.execution, attempt=1, token=place.partition("@")[2]
        )
    )
    assert isinstance(plant.state(instance), Finished)
    assert same_on_replay(plant)


def test_a_failed_instance_that_is_cancelled_cancels_its_task() -> None:
    plant, instance = failed()
    plant.do(Cancel(instance_id=instance))
    assert kinds(plant)[-1] == "task_cancelled ask"
    assert same_on_replay(plant)


def test_a_suspended_instance_takes_no_answers_and_its_reminders_wait() -> None:
    plant = Plant(TIMED)
    instance = plant.start("x")
    [task] = tasks(plant, instance).values()
    plant.do(Suspend(instance_id=instance))
    assert plant.due() == []
    assert "its instance is suspended" in plant.refused(CompleteTask(task_id=task, user="anna"))[1]
    plant.do(Resume(instance_id=instance, timers="shift"), after_ms=3_600_000)
    due, timer = plant.due()[0]
    assert (timer.purpose, due - plant.now) == ("task_reminder", 3_600_000)
    complete(plant, task)
    assert same_on_replay(plant)


def test_a_task_goes_along_to_another_version() -> None:
    text = "id: x\n" + HEAD + "activities: [{id: ask, type: user_task, escalation: [{after: 1h, priority: 9}]}]\n"
    newer = text.replace("version: 1", "version: 2").replace("id: ask", "id: ask_them")
    newer = newer.replace(", escalation: [{after: 1h, priority: 9}]", ", form: {required: [x]}")
    plant = Plant(text, newer)
    start = plant.processes["x", 2]
    del plant.processes["x", 2]
    instance = plant.start("x")
    plant.processes["x", 2] = start
    plant.do(Migrate(instance_id=instance, version=2, activities={"ask": "ask_them"}))
    [(place, task)] = tasks(plant, instance).items()
    assert place == "ask_them"
    plant.fire_next()
    assert kinds(plant)[-1] == "task_escalated ask_them", "a level that the new version has not does nothing"
    assert "the answer 'x' is missing" in plant.refused(CompleteTask(task_id=task, user="anna"))[1]
    complete(plant, task, x=1)
    assert isinstance(plant.state(instance), Finished)
    assert same_on_replay(plant)


def test_a_task_that_takes_too_long_leaves_those_of_others() -> None:
    plant = Plant(
        BRANCHES.replace("JOIN", "all").replace(
            "{id: ask_a, type: user_task,", "{id: ask_a, type: user_task, timeout: 30m, on_timeout: end,"
        )
    )
    instance = plant.start("x")
    plant.fire_next()
    assert kinds(plant)[-1] == "task_cancelled ask_a"
    assert list(tasks(plant, instance)) == ["ask_b@1.2"]
    assert same_on_replay(plant)
