"""The rows of ``tasks`` beside the log: every column that is wrong, and every row too many or too few, is found."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.codec import decode_event
from streams.core.events import Event
from weir.verify.fold import Fold
from weir.verify.memory import compare_database
from weir.verify.tasks import TaskRow

LOG = [
    decode_event(line) for line in (Path(__file__).parents[1] / "golden" / "tasks.v1.jsonl").read_bytes().splitlines()
]


@pytest.fixture
def fold() -> Fold:
    made = Fold(0, keep_rows=True)
    for event in LOG:
        made.take(event)
    made.project()
    assert made.differences == []
    return made


def rows(fold: Fold) -> list[dict[str, Any]]:
    """As the database has them."""
    assert fold.tasks is not None
    found = [msgspec.structs.asdict(row) for of in fold.tasks.values() for row in of.values()]
    for row in found:
        for name in ("form", "votes", "answers"):
            row[name] = None if row[name] is None else msgspec.json.encode(row[name]).decode()
    return found


def told(fold: Fold, tasks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What differs in tasks; nothing is given of the other tables, and so everything differs there."""
    return [(one.subject, one.message) for one in compare_database([fold], [], [], tasks) if one.kind == "task"]


def test_rows_that_are_as_the_log_says_are_clean(fold: Fold) -> None:
    assert len(rows(fold)) == len({event.subject for event in LOG})
    assert told(fold, rows(fold)) == []


WRONG: dict[str, Any] = {
    **dict.fromkeys(("activity_id", "definition_id", "title", "description", "assignee", "owner", "queue"), "other"),
    **dict.fromkeys(("outcome", "completed_by"), "other"),
    **dict.fromkeys(("execution", "definition_version", "priority", "reminders", "escalation_level", "last_seq"), 99),
    **{name: ["other"] for name in ("candidate_users", "candidate_groups", "outcomes", "approvers")},
    **dict.fromkeys(("form", "votes", "answers"), '{"other":"one"}'),
    **dict.fromkeys(
        ("started_at", "due", "created_at", "claimed_at", "completed_at", "updated_at"),
        datetime(2030, 1, 1, tzinfo=UTC),
    ),
    "status": "cancelled",
}


def test_every_column_is_compared() -> None:
    assert set(WRONG) == set(TaskRow.__struct_fields__) - {"id", "instance_id"}


@pytest.mark.parametrize("column", sorted(WRONG))
def test_a_wrong_column_is_named(fold: Fold, column: str) -> None:
    tasks = rows(fold)
    damaged = next(row for row in tasks if row["status"] == "completed" and not row["approvers"])
    damaged[column] = WRONG[column]
    [(subject, message)] = told(fold, tasks)
    assert subject == damaged["instance_id"]
    assert message.startswith(f"task {damaged['id']}: {column}")
    assert "but tasks has" in message


def test_rows_too_many_and_too_few_are_found(fold: Fold) -> None:
    first, *rest = rows(fold)
    assert told(fold, rest) == [
        (first["instance_id"], f"row of task {first['id']}: expected {first['status']}, but tasks has none")
    ]
    stray = first | {"id": f"{first['instance_id']}:9", "execution": 9}
    assert told(fold, [first, stray, *rest]) == [
        (first["instance_id"], f"row of task {stray['id']}: expected none, but tasks has one that is {first['status']}")
    ]
    nobodys = first | {"id": "other:1", "instance_id": "other"}
    assert [subject for subject, _ in told(fold, [first, nobodys, *rest])] == ["other"]


def test_what_lies_behind_the_databases_position_is_not_asked_for() -> None:
    end = next(at for at, event in enumerate(LOG) if event.type == "task_delegated")
    fold = Fold(0, keep_rows=True)
    for event in LOG[:end]:
        fold.take(event)
    fold.project()
    before = rows(fold)
    for event in LOG[end:]:
        fold.take(event)
    assert told(fold, before) == []
    assert rows(fold) == before


def differences(change: Callable[[Event], Event]) -> list[str]:
    """What the log's own checks say of a log in which each event was changed."""
    fold = Fold(0)
    for event in LOG:
        fold.take(change(event))
    return [f"{one.kind}: {one.message}" for one in fold.differences]


@pytest.mark.parametrize("kind", ["task_reminded", "task_escalated"])
def test_what_comes_before_its_moment_is_found(kind: str) -> None:
    first = next(event for event in LOG if event.type == kind)
    early = msgspec.structs.replace(first, time=first.time - timedelta(seconds=1))
    [found] = differences(lambda event: early if event is first else event)
    assert found.startswith(f"timer: time: expected {kind} at 2013-12-10T")


def test_an_event_of_no_task_ends_the_fold_and_not_the_check() -> None:
    first = next(event for event in LOG if event.type == "task_claimed")
    stray = msgspec.structs.replace(first, data=first.data | {"execution": 9})
    assert differences(lambda event: stray if event is first else event) == [
        "fold: Expected task_claimed to follow, but the fold ends here: KeyError: 9"
    ]
