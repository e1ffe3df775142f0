"""User tasks in the pure core: every command in every state of a task, and the exact events and refusals."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from streams.core.commands import (
    AssignTask,
    Cancel,
    ClaimTask,
    CompleteTask,
    DelegateTask,
    TaskCommand,
    UnclaimTask,
    UpdateTask,
)
from streams.core.events import Event
from streams.core.state import Finished, Instance
from streams.core.tasks.task import Task
from tests.core.plant import START, Plant, fold

TASK = """
id: visit
version: 1
trigger: {type: api}
variables: [{name: room, value: "12"}, {name: technicians, value: [ben, carl]}]
activities:
  - id: repair
    type: user_task
    title: "Repair ${room}"
    candidates: {users: ["${technicians}", anna], groups: [night]}
    queue: repairs
    priority: 60
    due: 4h
    form:
      properties: {done: {type: boolean}, note: {type: string}}
      required: [done]
      additionalProperties: false
    output: {done: answers.done, by: user, report: $}
"""
HOUR = 3_600_000


class Desk:
    """A plant with one task; ``do`` and ``refused`` send a command about it."""

    def __init__(self, definition: str = TASK, **variables: Any) -> None:
        self.plant = Plant(definition)
        self.instance = self.plant.start(next(iter(self.plant.processes))[0], **variables)
        self.execution = next(e.data["execution"] for e in self.plant.log if e.type == "task_created")
        self.id = f"{self.instance}:{self.execution}"

    @property
    def task(self) -> Task:
        state = self.plant.state(self.instance)
        assert isinstance(state, Instance)
        return state.tasks[self.execution]

    @property
    def status(self) -> str:
        return self.plant.state(self.instance).status

    def do(self, kind: type[TaskCommand], user: str, **more: Any) -> list[Event]:
        """Carry out a command that must be accepted; returns its events of the task."""
        events = self.plant.do(kind(task_id=self.id, user=user, **more), after_ms=1000)
        assert events, self.plant.last and self.plant.last.rejection
        return [event for event in events if event.type.startswith("task_")]

    def refused(self, kind: type[TaskCommand], user: str, **more: Any) -> tuple[str, str]:
        """Reason and message, in which the task is called T."""
        before = self.plant.table.records.copy()
        reason, message = self.plant.refused(kind(task_id=self.id, user=user, **more))
        assert self.plant.table.records == before
        return reason, message.replace(f"task {self.id}", "T")

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What happened to the task."""
        return [
            (event.type.removeprefix("task_"), {name: x for name, x in event.data.items() if name != "execution"})
            for event in self.plant.log
            if event.type.startswith("task_")
        ]

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told()]


def test_a_task_is_created_with_what_its_texts_render_to() -> None:
    desk = Desk(room="7")
    [(kind, data)] = desk.told()
    assert kind == "created"
    assert data == {
        "title": "Repair 7",
        "users": ["ben", "carl", "anna"],
        "groups": ["night"],
        "queue": "repairs",
        "priority": 60,
        "due": "2013-12-10T10:25:00.000Z",
        "form": data["form"],
    }
    assert data["form"]["required"] == ["done"]
    [event] = [event for event in desk.plant.log if event.type == "task_created"]
    assert (event.activity_id, event.message) == ("repair", "Repair 7")
    state = desk.plant.state(desk.instance)
    assert isinstance(state, Instance)
    assert [(name, wait.kind, wait.execution) for name, wait in state.waiting.items()] == [("repair", "task", 1)]
    assert desk.task == Task(
        "repair", START, users=["ben", "carl", "anna"], groups=["night"], priority=60, due=START + 4 * HOUR
    )


def test_the_title_is_the_activitys_name_or_id_where_it_says_none() -> None:
    head = "id: x\nversion: 1\ntrigger: {type: api}\nactivities:\n"
    assert Desk(head + "  - {id: ask, type: user_task}").told() == [("created", {"title": "ask", "priority": 50})]
    named = Desk(head + "  - {id: ask, name: Ask somebody, type: user_task}").told()
    assert named == [("created", {"title": "Ask somebody", "priority": 50})]


def test_claimed_and_completed_it_goes_on_with_its_output() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    assert desk.task.assignee == "anna"
    events = desk.plant.do(CompleteTask(task_id=desk.id, user="anna", answers={"done": True}))
    assert [event.type for event in events][:2] == ["task_completed", "activity_completed"]
    assert events[-1].type == "completed"
    assert desk.told()[1:] == [
        ("claimed", {"user": "anna"}),
        ("completed", {"user": "anna", "outcome": None, "answers": {"done": True}}),
    ]
    changed = {event.data["name"]: event.data["value"] for event in events if event.type == "variable_changed"}
    assert changed["done"] is True
    assert changed["by"] == "anna"
    assert changed["report"] == {"user": "anna", "outcome": None, "answers": {"done": True}}
    assert isinstance(desk.plant.state(desk.instance), Finished)


def test_what_nobody_has_may_be_completed_by_who_might_claim_it() -> None:
    desk = Desk()
    assert desk.refused(CompleteTask, "eva", answers={"done": True})[0] == "no_candidate"
    desk.do(CompleteTask, "ben", answers={"done": False})
    assert desk.kinds() == ["created", "claimed", "completed"]


@pytest.mark.parametrize(
    ("user", "groups", "message"),
    [
        ("eva", [], "eva was sent without groups"),
        ("eva", ["day", "kitchen"], "eva is in day, kitchen"),
    ],
)
def test_only_candidates_claim(user: str, groups: list[str], message: str) -> None:
    desk = Desk()
    whose = "Expected one of the candidates of T (users ben, carl, anna and groups night), but "
    assert desk.refused(ClaimTask, user, groups=groups) == ("no_candidate", whose + message)
    desk.do(ClaimTask, user, groups=["day", "night"])
    assert desk.task.assignee == user


def test_a_task_is_claimed_once() -> None:
    desk = Desk()
    desk.do(ClaimTask, "ben")
    assert desk.refused(ClaimTask, "ben") == ("already_claimed", "Expected T to be nobody's, but ben has it already")
    assert desk.refused(ClaimTask, "anna") == ("claimed_by_other", "Expected T to be nobody's, but it is ben's")
    for kind in (UnclaimTask, CompleteTask):
        assert desk.refused(kind, "anna") == (
            "claimed_by_other",
            "Expected T to be claimed by anna, but it is ben's",
        )
    assert desk.refused(DelegateTask, "anna", to="carl")[0] == "claimed_by_other"


def test_what_nobody_has_cannot_be_given_back_or_delegated() -> None:
    desk = Desk()
    message = "Expected T to be claimed by anna, but nobody has it. Claim it first"
    assert desk.refused(UnclaimTask, "anna") == ("not_claimed", message)
    assert desk.refused(DelegateTask, "anna", to="ben") == ("not_claimed", message)


def test_given_back_it_may_be_claimed_by_another() -> None:
    desk = Desk()
    desk.do(ClaimTask, "ben")
    desk.do(UnclaimTask, "ben")
    assert desk.task.assignee is None
    desk.do(ClaimTask, "anna")
    assert desk.kinds() == ["created", "claimed", "unclaimed", "claimed"]


def test_an_assignment_gives_and_takes() -> None:
    desk = Desk()
    desk.do(AssignTask, "boss", assignee="eva")
    desk.do(AssignTask, "boss", assignee="ben")
    desk.do(AssignTask, "boss", assignee=None)
    assert desk.told()[1:] == [
        ("assigned", {"user": "boss", "assignee": "eva"}),
        ("assigned", {"user": "boss", "from": "eva", "assignee": "ben"}),
        ("unclaimed", {"user": "boss", "from": "ben"}),
    ]
    assert desk.task.assignee is None
    assert desk.refused(AssignTask, "boss", assignee=None) == (
        "unchanged",
        "Expected another assignee of T, but it is nobody's already",
    )
    desk.do(AssignTask, "boss", assignee="ben")
    assert desk.refused(AssignTask, "boss", assignee="ben")[1] == (
        "Expected another assignee of T, but it is ben's already"
    )


def test_an_assignee_of_the_definition_has_it_from_the_start() -> None:
    text = TASK.replace("title:", 'assignee: "${technicians[0]}"\n    title:')
    desk = Desk(text)
    assert desk.task.assignee == "ben"
    desk.do(CompleteTask, "ben", answers={"done": True})
    assert desk.kinds() == ["created", "completed"]


def test_a_delegates_answer_comes_back_to_the_owner_who_completes_with_it() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    desk.do(DelegateTask, "anna", to="eva")
    assert (desk.task.assignee, desk.task.owner) == ("eva", "anna")
    assert desk.refused(CompleteTask, "anna", answers={"done": True}) == (
        "claimed_by_other",
        "Expected T to be claimed by anna, but it is eva's, delegated by anna",
    )
    assert desk.refused(CompleteTask, "eva", answers={})[0] == "invalid_answers"
    desk.do(CompleteTask, "eva", answers={"done": True, "note": "new fuse"})
    assert (desk.task.assignee, desk.task.owner, desk.status) == ("anna", None, "running")
    desk.do(CompleteTask, "anna")
    assert desk.told()[2:] == [
        ("delegated", {"user": "anna", "to": "eva", "owner": "anna"}),
        ("returned", {"user": "eva", "to": "anna", "answers": {"done": True, "note": "new fuse"}, "outcome": None}),
        ("completed", {"user": "anna", "outcome": None, "answers": {"done": True, "note": "new fuse"}}),
    ]


def test_the_owner_may_answer_otherwise_than_the_delegate() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    desk.do(DelegateTask, "anna", to="eva")
    desk.do(CompleteTask, "eva", answers={"done": True})
    desk.do(CompleteTask, "anna", answers={"done": False})
    assert desk.told()[-1][1]["answers"] == {"done": False}


def test_a_delegate_passes_it_on_and_it_comes_back_to_the_first_owner() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    desk.do(DelegateTask, "anna", to="eva")
    assert desk.refused(DelegateTask, "eva", to="anna")[1] == (
        "Expected eva to give T back to anna, whose it is: unclaim or complete it"
    )
    assert desk.refused(DelegateTask, "eva", to="eva")[1] == "Expected somebody else to do T for eva, but got eva"
    desk.do(DelegateTask, "eva", to="otto")
    assert (desk.task.assignee, desk.task.owner) == ("otto", "anna")
    desk.do(UnclaimTask, "otto")
    assert (desk.task.assignee, desk.task.owner) == ("anna", None)
    assert desk.told()[-1] == ("returned", {"user": "otto", "to": "anna"})


def test_an_assignment_ends_a_delegation() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    desk.do(DelegateTask, "anna", to="eva")
    desk.do(CompleteTask, "eva", answers={"done": True})
    desk.do(DelegateTask, "anna", to="eva")
    desk.do(AssignTask, "boss", assignee="eva")
    assert (desk.task.assignee, desk.task.owner, desk.task.draft) == ("eva", None, None)
    desk.do(CompleteTask, "eva", answers={"done": False})
    assert desk.kinds()[-1] == "completed"


def test_answers_that_do_not_fit_are_refused_and_the_task_stays_open() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    reason, message = desk.refused(CompleteTask, "anna", answers={"done": "yes"})
    assert (reason, message.partition(", but ")[2]) == (
        "invalid_answers",
        'the answer \'done\': "yes" is not of type "boolean". Give it that type',
    )
    assert desk.refused(CompleteTask, "anna")[1].endswith("but the answer 'done' is missing. Add it")
    large = desk.refused(CompleteTask, "anna", answers={"done": True, "note": "x" * 20_000})
    assert large[0] == "answers_too_large"
    assert "at most 16384 bytes, but got 20023" in large[1]
    assert desk.status == "running"
    desk.do(CompleteTask, "anna", answers={"done": True})


def test_only_declared_outcomes_are_taken() -> None:
    desk = Desk(TASK.replace("queue:", "outcomes: [repaired, replaced]\n    queue:"))
    desk.do(ClaimTask, "anna")
    message = "Expected the outcome of T to be repaired or replaced, but "
    assert desk.refused(CompleteTask, "anna", answers={"done": True}) == ("invalid_outcome", message + "it is missing")
    assert desk.refused(CompleteTask, "anna", answers={"done": True}, outcome="x")[1] == message + "got 'x'"
    desk.do(CompleteTask, "anna", answers={"done": True}, outcome="replaced")
    assert desk.told()[-1][1]["outcome"] == "replaced"


def test_priority_and_due_change() -> None:
    desk = Desk()
    due = datetime(2013, 12, 11, tzinfo=UTC)
    desk.do(UpdateTask, "boss", priority=90, due=due)
    assert (desk.task.priority, desk.task.due) == (90, int(due.timestamp() * 1000))
    assert desk.told()[-1] == (
        "updated",
        {"user": "boss", "priority": 90, "due": "2013-12-11T00:00:00.000Z", "remind_at": None, "escalate_at": None},
    )
    for same in ({}, {"priority": 90}, {"due": due}):
        assert desk.refused(UpdateTask, "boss", **same) == (
            "unchanged",
            "Expected a new priority or due moment of T, but got none",
        )


COMMANDS: list[tuple[type[TaskCommand], str, dict[str, Any]]] = [
    (ClaimTask, "claim", {}),
    (UnclaimTask, "unclaim", {}),
    (AssignTask, "assign", {"assignee": "ben"}),
    (DelegateTask, "delegate", {"to": "ben"}),
    (CompleteTask, "complete", {"answers": {"done": True}}),
    (UpdateTask, "update", {"priority": 1}),
]


@pytest.mark.parametrize(("kind", "verb", "more"), COMMANDS)
def test_what_is_not_open_is_refused(kind: type[TaskCommand], verb: str, more: dict[str, Any]) -> None:
    desk = Desk(TASK + "  - {id: again, type: message, name: go}")
    desk.do(CompleteTask, "anna", answers={"done": True})
    over = f"Cannot {verb} T: it was completed or cancelled, or there is none"
    assert desk.refused(kind, "anna", **more) == ("task_not_open", over)
    desk.plant.do(Cancel(instance_id=desk.instance))
    ended = f"Cannot {verb} T: its instance is cancelled"
    assert desk.refused(kind, "anna", **more) == ("task_not_open", ended)
    desk.plant.table.put(desk.instance, None)
    unknown = f"Cannot {verb} T: there is none, or its instance ended long ago"
    assert desk.refused(kind, "anna", **more) == ("task_not_open", unknown)


@pytest.mark.parametrize(("kind", "verb", "more"), COMMANDS)
def test_a_task_of_a_failed_instance_waits(kind: type[TaskCommand], verb: str, more: dict[str, Any]) -> None:
    desk = Desk()
    state = desk.plant.state(desk.instance)
    assert isinstance(state, Instance)
    state.status = "failed"
    desk.plant.table.put(desk.instance, state)
    why = f"Cannot {verb} T: its instance is failed. It can be done once that runs again"
    assert desk.refused(kind, "anna", **more) == ("task_not_open", why)


def test_a_cancelled_instance_cancels_its_task() -> None:
    desk = Desk()
    desk.plant.do(Cancel(instance_id=desk.instance, reason="no longer needed"))
    assert desk.told()[-1] == ("cancelled", {"reason": "cancelled"})
    assert [event.type for event in desk.plant.log][-2:] == ["task_cancelled", "cancelled"]


APPROVAL = """
id: approval
version: 1
trigger: {type: api}
variables: [{name: bosses, value: [ann, bob, cyd]}]
activities:
  - id: approve
    type: user_task
    approvers: "${bosses}"
    join: JOIN
    form: {properties: {why: {type: string, maxLength: 20000}}}
    output: {decision: outcome, said: $}
"""


def approval(join: str | int) -> Desk:
    return Desk(APPROVAL.replace("JOIN", str(join)))


@pytest.mark.parametrize(
    ("join", "votes", "outcome"),
    [
        ("all", ["approved", "approved", "approved"], "approved"),
        ("all", ["approved", "rejected"], "rejected"),
        ("any", ["approved"], "approved"),
        ("any", ["rejected", "rejected", "rejected"], "rejected"),
        (2, ["approved", "rejected", "approved"], "approved"),
        (2, ["rejected", "rejected"], "rejected"),
    ],
)
def test_several_approvers_answer_until_the_outcome_is_certain(join: str | int, votes: list[str], outcome: str) -> None:
    desk = approval(join)
    for user, vote in zip(["bob", "ann", "cyd"], votes, strict=False):
        assert desk.status == "running"
        desk.do(CompleteTask, user, outcome=vote, answers={"why": f"{user} says so"})
    assert desk.kinds() == ["created", *votes, "completed"]
    data = desk.told()[-1][1]
    assert data["outcome"] == outcome
    assert (data["approved"], data["rejected"]) == (votes.count("approved"), votes.count("rejected"))
    assert data["answers"]["bob"] == {"why": "bob says so"}
    said = {event.data["name"]: event.data["value"] for event in desk.plant.log if event.type == "variable_changed"}
    assert said == {"decision": outcome, "said": data}


def test_an_approver_answers_once_and_nobody_else_does() -> None:
    desk = approval("all")
    assert desk.refused(CompleteTask, "eva", outcome="approved") == (
        "no_approver",
        "Expected one of the approvers of T (ann, bob, cyd), but eva is none",
    )
    assert desk.refused(CompleteTask, "ann")[1] == (
        "Expected the outcome of T to be approved or rejected, but it is missing"
    )
    desk.do(CompleteTask, "ann", outcome="approved")
    assert desk.refused(CompleteTask, "ann", outcome="rejected") == (
        "already_answered",
        "Expected the first answer of ann to T, but there is one already",
    )
    each = "but each of its approvers (ann, bob, cyd) answers it: complete it"
    assert desk.refused(ClaimTask, "bob") == ("several_approvers", f"Expected T to be claimed, {each}")
    assert desk.refused(UnclaimTask, "bob") == ("several_approvers", f"Expected T to be somebody's, {each}")
    assert desk.refused(AssignTask, "bob", assignee="ann")[0] == "several_approvers"


def test_an_approver_hands_the_answer_over() -> None:
    desk = approval("all")
    assert desk.refused(DelegateTask, "ann", to="bob") == (
        "already_approver",
        "Expected somebody who does not answer T yet, but bob does",
    )
    assert desk.refused(DelegateTask, "eva", to="otto")[0] == "no_approver"
    desk.do(DelegateTask, "ann", to="otto")
    assert desk.task.approvers == ["otto", "bob", "cyd"]
    assert desk.refused(CompleteTask, "ann", outcome="approved")[0] == "no_approver"
    desk.do(CompleteTask, "otto", outcome="rejected")
    assert desk.told()[-1][1]["outcome"] == "rejected"


def test_what_all_approvers_say_together_is_bounded() -> None:
    desk = approval("all")
    desk.do(CompleteTask, "ann", outcome="approved", answers={"why": "x" * 16_000})
    desk.do(CompleteTask, "bob", outcome="approved", answers={"why": "x" * 16_000})
    reason, message = desk.refused(CompleteTask, "cyd", outcome="approved", answers={"why": "x" * 16_000})
    assert reason == "answers_too_large"
    assert message == "Expected all answers to T to have at most 32768 bytes, but they would have 48034"
    desk.do(CompleteTask, "cyd", outcome="approved")
    assert desk.kinds()[-1] == "completed"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("who", 7, "Expected a name of at most 200 characters as assignee, but got 7"),
        ("urgency", 101, "Expected a whole number from 0 to 100 as priority, but got 101"),
        ("urgency", "high", "Expected a whole number from 0 to 100 as priority, but got 'high'"),
        ("moment", 5, "Expected a duration or an instant as due, but got 5"),
        ("moment", "soon", "due: Expected a duration such as '4h' or an instant such as"),
        ("team", [f"u{n}" for n in range(51)], "Expected at most 50 users, but got 51"),
    ],
)
def test_what_renders_to_no_task_fails_the_activity(field: str, value: Any, message: str) -> None:
    plant = Plant(RENDERED)
    plant.start("rendered", **{field: value})
    failed = next(event for event in plant.log if event.type == "failed")
    assert failed.data["error_type"] == "expression"
    assert message in failed.data["error"]


RENDERED = """
id: rendered
version: 1
trigger: {type: api}
variables: [{name: who}, {name: urgency, value: 3}, {name: moment, value: 2h}, {name: team, value: []}]
activities:
  - {id: ask, type: user_task, assignee: "${who}", priority: "${urgency}", due: "${moment}", candidates: "${team}",
     title: "T${urgency}", description: "${moment} left"}
"""


def test_nobody_and_no_moment_are_left_out() -> None:
    desk = Desk(RENDERED, moment="2014-01-01T00:00:00Z", team=["a", None, "", "a"])
    assert desk.told()[0][1] == {
        "title": "T3",
        "description": "2014-01-01T00:00:00Z left",
        "users": ["a"],
        "priority": 3,
        "due": "2014-01-01T00:00:00.000Z",
    }


@pytest.mark.parametrize(("bosses", "why"), [([], "Expected at least one approver, but there is none"), (["a"], "")])
def test_approvers_must_be_as_many_as_join_says(bosses: list[str], why: str) -> None:
    plant = Plant(APPROVAL.replace("JOIN", "2"))
    plant.start("approval", bosses=bosses)
    error = next(event for event in plant.log if event.type == "failed").data["error"]
    assert (why or "Expected at least 2 approvers, as 'join' says, but got 1") in error


def test_history_folds_to_what_is_live() -> None:
    desk = Desk()
    desk.do(ClaimTask, "anna")
    desk.do(DelegateTask, "anna", to="eva")
    desk.do(UpdateTask, "boss", priority=3)
    desk.do(CompleteTask, "eva", answers={"done": True})
    assert fold(desk.plant.log).records == desk.plant.table.records


def test_a_task_is_not_due_when_nothing_can_be_counted_from() -> None:
    desk = Desk()
    due = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
    reason, message = desk.refused(UpdateTask, "boss", due=due)
    assert (reason, "years 1 to 9000" in message) == ("invalid_due", True)
