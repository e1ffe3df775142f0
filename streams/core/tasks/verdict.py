"""Several approvers, one outcome: as soon as it is certain.

| join | approved when | rejected when |
|---|---|---|
| ``all`` | all approve | one rejects |
| ``any`` | one approves | all reject |
| n | n approve | n approvals are out of reach |
"""

from collections.abc import Sequence

from streams.core.tasks.task import Vote

APPROVED, REJECTED = "approved", "rejected"
VERDICTS = (APPROVED, REJECTED)


def needed_approvals(join: str | int, approvers: int) -> int:
    """How many of ``approvers`` must approve.  Raises ``ValueError`` when there are fewer."""
    if join == "all":
        return approvers
    needed = 1 if join == "any" else int(join)
    if needed > approvers:
        raise ValueError(f"Expected at least {needed} approvers, as 'join' says, but got {approvers}")
    return needed


def verdict(votes: Sequence[Vote], approvers: int, needed: int) -> str | None:
    """``approved``, ``rejected``, or ``None`` while it depends on those who have not answered."""
    approved = sum(vote.outcome == APPROVED for vote in votes)
    if approved >= needed:
        return APPROVED
    rejected = len(votes) - approved
    return REJECTED if approvers - rejected < needed else None
