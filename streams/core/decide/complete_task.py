"""``complete_task``: an answer to a task.  One that does not fit is refused, and the task stays open."""

from typing import Any

from streams.core.commands import CompleteTask
from streams.core.decide.open_task import OpenTask, open_task
from streams.core.flow.user_task import complete
from streams.core.step import run
from streams.core.tasks import rules
from streams.core.tasks.verdict import APPROVED, REJECTED, verdict
from streams.core.turn import Turn

VOTED = {APPROVED: "task_approved", REJECTED: "task_rejected"}


def complete_task(turn: Turn, command: CompleteTask) -> None:
    """A delegate's answer goes back to the owner; one of several approvers' counts; any other completes the task."""
    found = open_task(turn, command, "complete")
    if found is None:
        return
    if found.task.approvers:
        _vote(found, command)
    else:
        _answer(found, command)
    run(found.flow)


def _answer(found: OpenTask, command: CompleteTask) -> None:
    name, task, user = found.name, found.task, command.user
    answers = (task.draft or {}) if command.answers is None else command.answers
    outcome = command.outcome or task.draft_outcome
    refusal = rules.answer(name, task, user, command.groups)
    refusal = refusal or rules.fits(name, found.node.form, answers, outcome, found.node.outcomes)
    if found.refuses(refusal):
        return
    if task.owner is not None:
        found.tell("task_returned", user=user, to=task.owner, answers=answers, outcome=outcome)
        return
    if task.assignee is None:
        found.tell("task_claimed", user=user)
    _complete(found, {"user": user, "outcome": outcome, "answers": answers})


def _vote(found: OpenTask, command: CompleteTask) -> None:
    name, user, answers, outcome = found.name, command.user, command.answers or {}, command.outcome
    refusal = rules.vote(name, found.task, user)
    refusal = refusal or rules.fits(name, found.node.form, answers, outcome, found.node.outcomes)
    refusal = refusal or rules.votes_fit(name, found.task, answers)
    if found.refuses(refusal):
        return
    assert outcome is not None  # `fits` has seen that it is one of two
    found.tell(VOTED[outcome], user=user, answers=answers)
    task = found.task
    decided = verdict(task.votes, len(task.approvers), task.needed)
    if decided is not None:
        said = [vote.outcome for vote in task.votes]
        counts = {"approved": said.count(APPROVED), "rejected": said.count(REJECTED)}
        answered = {vote.user: vote.answers for vote in task.votes}
        _complete(found, {"user": user, "outcome": decided, "answers": answered, **counts})


def _complete(found: OpenTask, result: dict[str, Any]) -> None:
    complete(found.flow, found.node, found.execution, result)
