"""Who may do what with a task, and why not: each rule tells the refusal of a command, or ``None``.

``name`` is the task in a message; users are compared as they are written.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from streams.core.tasks.form import Form
from streams.core.tasks.task import Task

MAX_ANSWERS_BYTES = 16_384
MAX_VOTES_BYTES = 32_768
"""Of all approvers' answers together: they are one event in the end."""


class Refusal(NamedTuple):
    """Why a command is refused, for programs and for people."""

    reason: str
    message: str


def claim(name: str, task: Task, user: str, groups: Sequence[str]) -> Refusal | None:
    """May ``user`` take the task?"""
    if task.approvers:
        return _several(name, task, "claimed")
    if task.assignee == user:
        return Refusal("already_claimed", f"Expected {name} to be nobody's, but {user} has it already")
    if task.assignee is not None:
        return Refusal("claimed_by_other", f"Expected {name} to be nobody's, but it is {task.assignee}'s")
    return candidate(name, task, user, groups)


def candidate(name: str, task: Task, user: str, groups: Sequence[str]) -> Refusal | None:
    """Is ``user`` one of those who may claim it?"""
    if not (task.users or task.groups) or user in task.users or not set(task.groups).isdisjoint(groups):
        return None
    whose = " and ".join(
        f"{what} {', '.join(names)}" for what, names in (("users", task.users), ("groups", task.groups)) if names
    )
    told = f"is in {', '.join(groups)}" if groups else "was sent without groups"
    return Refusal("no_candidate", f"Expected one of the candidates of {name} ({whose}), but {user} {told}")


def has(name: str, task: Task, user: str) -> Refusal | None:
    """Does ``user`` have the task?"""
    if task.approvers:
        return _several(name, task, "somebody's")
    if task.assignee == user:
        return None
    if task.assignee is None:
        return Refusal("not_claimed", f"Expected {name} to be claimed by {user}, but nobody has it. Claim it first")
    by = f", delegated by {task.owner}" if task.owner is not None else ""
    return Refusal("claimed_by_other", f"Expected {name} to be claimed by {user}, but it is {task.assignee}'s{by}")


def answer(name: str, task: Task, user: str, groups: Sequence[str]) -> Refusal | None:
    """May ``user`` complete it?  What nobody has may be completed by whoever might claim it."""
    return candidate(name, task, user, groups) if task.assignee is None else has(name, task, user)


def vote(name: str, task: Task, user: str) -> Refusal | None:
    """Is an answer of ``user`` awaited, as one of several approvers?"""
    if user not in task.approvers:
        approvers = ", ".join(task.approvers)
        return Refusal("no_approver", f"Expected one of the approvers of {name} ({approvers}), but {user} is none")
    if any(one.user == user for one in task.votes):
        return Refusal("already_answered", f"Expected the first answer of {user} to {name}, but there is one already")
    return None


def fits(
    name: str, form: Form | None, answers: dict[str, Any], outcome: str | None, outcomes: Sequence[str]
) -> Refusal | None:
    """Are these answers, and is this outcome, what the task asks for?"""
    if outcomes and outcome not in outcomes:
        got = "it is missing" if outcome is None else f"got {outcome!r}"
        return Refusal("invalid_outcome", f"Expected the outcome of {name} to be {' or '.join(outcomes)}, but {got}")
    size = len(msgspec.json.encode(answers)) if answers else 0
    if size > MAX_ANSWERS_BYTES:
        message = f"Expected answers to {name} of at most {MAX_ANSWERS_BYTES} bytes, but got {size}. Say where they are"
        return Refusal("answers_too_large", message)
    problem = None if form is None else form.problem(answers)
    if problem is not None:
        return Refusal("invalid_answers", f"Expected answers that fit the form of {name}, but {problem}")
    return None


def votes_fit(name: str, task: Task, answers: dict[str, Any]) -> Refusal | None:
    """Is there room for one more approver's answers?"""
    size = len(msgspec.json.encode([*(one.answers for one in task.votes), answers]))
    if size <= MAX_VOTES_BYTES:
        return None
    message = f"Expected all answers to {name} to have at most {MAX_VOTES_BYTES} bytes, but they would have {size}"
    return Refusal("answers_too_large", message)


def _several(name: str, task: Task, what: str) -> Refusal:
    approvers = ", ".join(task.approvers)
    message = f"Expected {name} to be {what}, but each of its approvers ({approvers}) answers it: complete it"
    return Refusal("several_approvers", message)


def assign(name: str, task: Task, assignee: str | None) -> Refusal | None:
    """Does giving it to ``assignee`` change anything?"""
    if task.approvers:
        return _several(name, task, "somebody's")
    if task.assignee == assignee and task.owner is None:
        whose = "nobody's" if assignee is None else f"{assignee}'s"
        return Refusal("unchanged", f"Expected another assignee of {name}, but it is {whose} already")
    return None


def delegate(name: str, task: Task, user: str, to: str) -> Refusal | None:
    """May ``user`` have ``to`` do it?"""
    if (refusal := vote(name, task, user) if task.approvers else has(name, task, user)) is not None:
        return refusal
    if to == user:
        return Refusal("unchanged", f"Expected somebody else to do {name} for {user}, but got {to}")
    if to == task.owner:
        return Refusal("unchanged", f"Expected {user} to give {name} back to {to}, whose it is: unclaim or complete it")
    if to in task.approvers:
        return Refusal("already_approver", f"Expected somebody who does not answer {name} yet, but {to} does")
    return None


def update(name: str, task: Task, priority: int | None, due: int | None) -> Refusal | None:
    """Does it change anything?"""
    if priority in (None, task.priority) and due in (None, task.due):
        return Refusal("unchanged", f"Expected a new priority or due moment of {name}, but got none")
    return None
