"""Votes and moments of tasks: whatever comes, the outcome is certain as early as it can be, and never earlier."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.tasks.moments import Level, Reminders, next_escalation, next_reminder
from streams.core.tasks.task import Vote, split_task_id, task_id
from streams.core.tasks.verdict import APPROVED, REJECTED, VERDICTS, needed_approvals, verdict


def _votes(*outcomes: str) -> list[Vote]:
    return [Vote(f"u{n}", outcome) for n, outcome in enumerate(outcomes)]


@pytest.mark.parametrize("approvers", range(1, 6))
@pytest.mark.parametrize("join", ["all", "any", 1, 2, 3])
def test_the_outcome_is_known_exactly_when_no_further_vote_can_change_it(approvers: int, join: str | int) -> None:
    if isinstance(join, int) and join > approvers:
        with pytest.raises(
            ValueError, match=f"Expected at least {join} approvers, as 'join' says, but got {approvers}"
        ):
            needed_approvals(join, approvers)
        return
    needed = needed_approvals(join, approvers)
    for said in range(approvers + 1):
        for votes in product(VERDICTS, repeat=said):
            ends = {
                APPROVED if (*votes, *more).count(APPROVED) >= needed else REJECTED
                for more in product(VERDICTS, repeat=approvers - said)
            }
            known = verdict(_votes(*votes), approvers, needed)
            assert known == (ends.pop() if len(ends) == 1 else None)


@pytest.mark.parametrize(
    ("reminders", "due", "reminded", "expected"),
    [
        (Reminders(), 1000, 0, None),
        (Reminders(every_ms=50), None, 0, 150),
        (Reminders(every_ms=50, limit=2), None, 2, None),
        (Reminders(before_due_ms=30), 1000, 0, 970),
        (Reminders(before_due_ms=30), 120, 0, None),
        (Reminders(before_due_ms=30), None, 0, None),
        (Reminders(every_ms=50, before_due_ms=30), 160, 0, 130),
        (Reminders(every_ms=50, before_due_ms=30), 500, 0, 150),
    ],
)
def test_the_next_reminder(reminders: Reminders, due: int | None, reminded: int, expected: int | None) -> None:
    assert next_reminder(reminders, 100, due, reminded) == expected


@given(st.integers(1, 50), st.integers(0, 200), st.integers(1, 20))
def test_reminders_move_ahead_and_come_to_an_end(every: int, before: int, limit: int) -> None:
    reminders, now, count = Reminders(every, before, limit), 0, 0
    while (following := next_reminder(reminders, now, 300, count)) is not None:
        assert following > now
        now, count = following, count + 1
    assert count == limit


def test_the_next_escalation() -> None:
    levels = [Level(after_ms=10), Level(after_due_ms=5), Level(after_ms=1)]
    assert [next_escalation(levels, reached, 100, 500) for reached in range(4)] == [110, 505, 101, None]
    assert next_escalation(levels, 1, 100, None) is None


@pytest.mark.parametrize("text", ["", "x", "7", ":", "x:", "x:-1", "x:1e3", "x:²", "x:1234567890"])
def test_what_is_no_id_of_a_task_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Expected a task's id, <instance id>:<number>, but got"):
        split_task_id(text)


def test_the_id_of_a_task_has_its_instance_and_its_execution() -> None:
    assert split_task_id(task_id("a", 7)) == ("a", 7)
