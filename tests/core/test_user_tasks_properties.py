"""Whatever people do with tasks, in whatever order: replay equals live, and a task has one beginning and one end."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.commands import (
    AssignTask,
    Cancel,
    ClaimTask,
    CompleteTask,
    DelegateTask,
    StartProcess,
    UnclaimTask,
    UpdateTask,
)
from streams.core.definition import ProcessDefinition
from streams.core.durations import instant
from streams.core.parse import validate_definition
from streams.core.state import Instance
from tests.core.plant import START, Plant, fold

USERS = ["anna", "ben", "eva"]
GROUPS = ["day", "night"]
users, groups = st.sampled_from(USERS), st.lists(st.sampled_from(GROUPS), max_size=2, unique=True)
ENDS = {"task_completed", "task_cancelled"}


@st.composite
def tasks(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """An activity of kind ``user_task`` with any options that fit together."""
    one: dict[str, Any] = {"id": f"t{number}", "type": "user_task", "priority": draw(st.integers(0, 100))}
    if draw(st.booleans()):
        one["due"] = draw(st.sampled_from(["1h", "2h", "${moment}"]))
        one["reminders"] = {"before_due": "30m", "every": "45m", "max": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        one["form"] = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    levels: list[dict[str, Any]] = [
        {"after": hours, "priority": 99} for hours in draw(st.lists(st.sampled_from(["10m", "50m", "3h"]), max_size=2))
    ]
    if draw(st.booleans()):
        one["approvers"] = draw(st.lists(users, min_size=1, max_size=3, unique=True))
        one["join"] = draw(st.one_of(st.sampled_from(["all", "any"]), st.integers(1, len(one["approvers"]))))
    else:
        one["candidates"] = {"users": draw(st.lists(users, max_size=2)), "groups": draw(groups)}
        if draw(st.booleans()):
            one["assignee"] = draw(users)
        if draw(st.booleans()):
            one["outcomes"] = ["approved", "rejected"]
        for level in levels:
            level["to"] = draw(st.sampled_from(["eva", {"group": "night"}, {"users": ["ben"]}]))
    return one | ({"escalation": levels} if levels else {}) | {"output": {f"r{number}": "$"}}


@st.composite
def definitions(draw: st.DrawFn) -> ProcessDefinition:
    return validate_definition(
        {
            "id": "made",
            "version": 1,
            "trigger": {"type": "api"},
            "variables": [{"name": "moment", "value": "90m"}],
            "activities": [draw(tasks(number)) for number in range(draw(st.integers(1, 3)))],
        }
    )


which = st.integers(0, 3)
answers = st.sampled_from([None, {}, {"n": 1}, {"n": "x"}])
outcomes = st.sampled_from([None, "approved", "rejected"])
moves = st.lists(
    st.one_of(
        st.tuples(st.just("start")),
        st.tuples(st.just("claim"), which, users, groups),
        st.tuples(st.just("unclaim"), which, users),
        st.tuples(st.just("assign"), which, users, st.one_of(st.none(), users)),
        st.tuples(st.just("delegate"), which, users, users),
        st.tuples(st.just("complete"), which, users, groups, answers, outcomes),
        st.tuples(st.just("complete"), which, users, groups, st.just({"n": 1}), st.just("approved")),
        st.tuples(st.just("update"), which, st.integers(0, 3), st.integers(0, 5)),
        st.tuples(st.just("fire")),
        st.tuples(st.just("wait"), st.sampled_from([1, 600_000, 4_000_000])),
        st.tuples(st.just("cancel"), which),
    ),
    min_size=3,
    max_size=30,
)


def play(plant: Plant, move: tuple[Any, ...]) -> None:  # noqa: C901 - one case a move
    """Do something; commands go to any task that there ever was, the open ones first."""
    instances = sorted(plant.instances(), key=lambda state: state.id)
    known = [f"{state.id}:{execution}" for state in instances for execution in state.tasks]
    known += [f"{event.subject}:{event.data['execution']}" for event in plant.log if event.type in ENDS]
    if len(move) > 2 and not known:
        return
    at = known[move[1] % len(known)] if len(move) > 2 else ""
    match move:
        case ("start",):
            plant.do(StartProcess(definition_id="made"))
        case ("claim", _, user, of):
            plant.do(ClaimTask(task_id=at, user=user, groups=of))
        case ("unclaim", _, user):
            plant.do(UnclaimTask(task_id=at, user=user))
        case ("assign", _, user, to):
            plant.do(AssignTask(task_id=at, user=user, assignee=to))
        case ("delegate", _, user, to):
            plant.do(DelegateTask(task_id=at, user=user, to=to))
        case ("complete", _, user, of, given, outcome):
            plant.do(CompleteTask(task_id=at, user=user, groups=of, answers=given, outcome=outcome))
        case ("update", _, priority, hours):
            due = instant(START + hours * 3_600_000) if hours else None
            plant.do(UpdateTask(task_id=at, user="boss", priority=priority or None, due=due))
        case ("fire",) if plant.due():
            plant.fire_next()
        case ("wait", ms):
            plant.now += ms
        case ("cancel", number) if instances:
            plant.do(Cancel(instance_id=instances[number % len(instances)].id))


@given(definitions(), moves)
def test_replay_equals_live_at_every_step(definition: ProcessDefinition, story: list[tuple[Any, ...]]) -> None:
    plant = Plant(definition)
    plant.start("made")
    for move in story:
        before = plant.table.records.copy()
        plant.now += 1
        play(plant, move)
        if plant.last is not None and plant.last.rejection is not None:
            assert plant.table.records == before, "what is refused changes nothing"
        assert fold(plant.log).records == plant.table.records
        _check_states(plant)
    _check_log(plant)


def _check_states(plant: Plant) -> None:
    for state in plant.instances():
        open_ones = state.tasks
        waits = {wait.execution for wait in state.waiting.values() if wait.kind == "task"}
        assert waits == open_ones.keys(), "a task waits at its activity"
        assert state.status != "running" or open_ones, "a process of tasks runs as long as one is open"
        for task in open_ones.values():
            assert task.owner is None or task.assignee is not None
            assert not (task.approvers and task.assignee)
            voters = [vote.user for vote in task.votes]
            assert len(voters) == len(set(voters))
            assert set(voters) <= set(task.approvers)
            assert task.escalate_at is None or task.level < len(task_levels(plant, state, task.activity_id))


def task_levels(plant: Plant, state: Instance, activity_id: str) -> Any:
    return plant.processes[state.definition_id, 1].definition.activity(activity_id).escalation  # type: ignore[attr-defined]


def _check_log(plant: Plant) -> None:
    begun: dict[str, int] = {}
    over: set[str] = set()
    for event in plant.log:
        if not event.type.startswith("task_"):
            continue
        task = f"{event.subject}:{event.data['execution']}"
        assert task not in over, f"{event.type} after the end of {task}"
        assert (event.type == "task_created") == (task not in begun)
        begun[task] = begun.get(task, 0) + 1
        if event.type in ENDS:
            over.add(task)
    left = {f"{state.id}:{execution}" for state in plant.instances() for execution in state.tasks}
    assert begun.keys() - over == left, "what is not over is open"
