"""The state of an open task, within its instance.  What only people read (title, form, queue) is in the events."""

from typing import Any

import msgspec


class Vote(msgspec.Struct, omit_defaults=True):
    """The answer of one of several approvers; ``outcome`` is ``approved`` or ``rejected``."""

    user: str
    outcome: str
    answers: dict[str, Any] = {}


class Task(msgspec.Struct, omit_defaults=True):
    """A task that waits for somebody.  Instants are Unix ms of plant time.

    ``assignee`` has it; ``owner`` delegated it and gets it back.  ``users`` and ``groups`` may claim it, anybody when
    both are empty.  ``reminded`` and ``level`` count the reminders and escalations so far, ``remind_at`` and
    ``escalate_at`` are the next ones.  With ``approvers`` each of them answers, and ``needed`` approvals approve.
    ``draft`` is what a delegate has answered.
    """

    activity_id: str
    created_at: int
    token: str | None = None
    assignee: str | None = None
    owner: str | None = None
    users: list[str] = []
    groups: list[str] = []
    priority: int = 50
    due: int | None = None
    remind_at: int | None = None
    reminded: int = 0
    escalate_at: int | None = None
    level: int = 0
    approvers: list[str] = []
    needed: int = 0
    votes: list[Vote] = []
    draft: dict[str, Any] | None = None
    draft_outcome: str | None = None

    @property
    def people(self) -> list[str]:
        """The users who are awaited: who has it, else who may claim it; of approvers those who have not answered."""
        if self.approvers:
            answered = {vote.user for vote in self.votes}
            return [user for user in self.approvers if user not in answered]
        return self.users if self.assignee is None else [self.assignee]


def task_id(instance_id: str, execution: int) -> str:
    """``<instance id>:<execution>``."""
    return f"{instance_id}:{execution}"


def split_task_id(text: str) -> tuple[str, int]:
    """(instance id as it was written, execution).  Raises ``ValueError``."""
    instance, colon, execution = text.rpartition(":")
    if not colon or not execution.isascii() or not execution.isdigit() or len(execution) > 9:  # noqa: PLR2004
        raise ValueError(f"Expected a task's id, <instance id>:<number>, but got {text[:80]!r}")
    return instance, int(execution)
