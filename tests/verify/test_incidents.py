"""The rows of ``incidents`` beside the log: every column that is wrong, and every row too many or too few, is found."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.codec import decode_event
from weir.verify.fold import Fold
from weir.verify.incidents import IncidentRow
from weir.verify.memory import compare_database

GOLDEN = Path(__file__).parents[1] / "golden"
LOG = [decode_event(line) for line in (GOLDEN / "incident.v1.jsonl").read_bytes().splitlines()]
WRONG: dict[str, Any] = {
    **dict.fromkeys(("definition_id", "type", "stopped", "activity_id", "token"), "other"),
    **dict.fromkeys(("error_type", "message", "resolution"), "other"),
    **dict.fromkeys(("started_at", "created_at", "resolved_at"), datetime(2030, 1, 1, tzinfo=UTC)),
    "definition_version": 99,
}


@pytest.fixture
def fold() -> Fold:
    made = Fold(0, keep_rows=True)
    for event in LOG:
        made.take(event)
    made.project()
    return made


def rows(fold: Fold) -> list[dict[str, Any]]:
    """As the database has them."""
    assert fold.incidents is not None
    return [msgspec.structs.asdict(row) for of in fold.incidents.values() for row in of.values()]


def told(fold: Fold, incidents: list[dict[str, Any]]) -> list[tuple[int | None, str]]:
    """What differs in incidents; nothing is given of the other tables, and so everything differs there."""
    found = compare_database([fold], [], [], [], incidents)
    return [(one.seq, one.message) for one in found if one.kind == "incident"]


def test_rows_that_are_as_the_log_says_are_clean(fold: Fold) -> None:
    assert rows(fold)
    assert told(fold, rows(fold)) == []


def test_every_column_is_compared() -> None:
    assert set(WRONG) == set(IncidentRow.__struct_fields__) - {"instance_id", "seq"}


@pytest.mark.parametrize("column", sorted(WRONG))
def test_a_wrong_column_is_named(fold: Fold, column: str) -> None:
    first, *rest = rows(fold)
    [(seq, message)] = told(fold, [first | {column: WRONG[column]}, *rest])
    assert seq == first["seq"]
    assert message.startswith(f"{column}: expected ")


def test_rows_too_many_and_too_few_are_found(fold: Fold) -> None:
    first, *rest = rows(fold)
    assert told(fold, rest) == [(first["seq"], "row: expected one, but incidents has none")]
    stray = first | {"seq": 99}
    assert told(fold, [first, stray, *rest]) == [(99, "row: expected none, but incidents has one")]
    nobodys = first | {"instance_id": "other"}
    assert told(fold, [first, nobodys, *rest]) == [(first["seq"], "row: expected none, but incidents has one")]


def test_what_lies_behind_the_databases_position_is_not_asked_for() -> None:
    end = next(at for at, event in enumerate(LOG) if event.type == "incident_resolved")
    fold = Fold(0, keep_rows=True)
    for event in LOG[:end]:
        fold.take(event)
    fold.project()
    before = rows(fold)
    assert any(row["resolved_at"] is None for row in before)
    for event in LOG[end:]:
        fold.take(event)
    assert rows(fold) == before
