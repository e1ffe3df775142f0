"""``process_rollups``: the rows that a partition must have, counted from the states that the fold ends with.

The projector adds up changes; this counts what there is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from projections.tables.process_rollups import HOUR_MS, rounded
from streams.core.durations import instant
from streams.core.state import STATUSES, Instance
from weir.verify.report import Difference

_COLUMNS = ", ".join(STATUSES)
QUERY = f"""
    SELECT partition, definition_id, definition_version, hour, {_COLUMNS}, duration_ms, durations,
           duration_counts
    FROM process_rollups
"""  # noqa: S608  the columns are constants


class Key(NamedTuple):
    """Of a row, without its partition."""

    definition_id: str
    definition_version: int
    hour: datetime


class Tally:
    """What a row must hold."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.duration_ms = 0
        self.durations: Counter[int] = Counter()

    def columns(self) -> dict[str, Any]:
        """By name, as ``QUERY`` has them."""
        lasted = sorted(self.durations)
        return {
            **{status: self.counts[status] for status in STATUSES},
            "duration_ms": self.duration_ms,
            "durations": lasted,
            "duration_counts": [self.durations[ms] for ms in lasted],
        }


class Tallies(defaultdict[Key, Tally]):
    """Of a partition."""

    def __init__(self) -> None:
        super().__init__(Tally)

    def count(self, state: Instance, status: str, ended_ms: int) -> None:
        """An instance that is, or has ended, in ``status``."""
        hour = instant(state.started_at // HOUR_MS * HOUR_MS)
        tally = self[Key(state.definition_id, state.definition_version, hour)]
        tally.counts[status] += 1
        if status == "completed":
            lasted_ms = max(0, ended_ms - state.started_at)
            tally.duration_ms += lasted_ms
            tally.durations[rounded(lasted_ms)] += 1


def compare_rollups(
    partition: int, expected: Mapping[Key, Tally], found: Iterable[Mapping[str, Any]]
) -> list[Difference]:
    """Row by row; one that counts nothing, because its instances have moved to another version, may be there."""
    nothing = Tally().columns()
    rows = {Key(row["definition_id"], row["definition_version"], row["hour"]): row for row in found}
    differences = []
    for key in sorted(expected.keys() | rows.keys()):
        wanted = expected[key].columns() if key in expected else nothing
        row = rows.get(key, nothing)
        wrong = [
            f"{name}: expected {value}, but got {row[name]}" for name, value in wanted.items() if row[name] != value
        ]
        if wrong:
            subject = f"{key.definition_id}:{key.definition_version} in partition {partition} at {key.hour.isoformat()}"
            differences.append(Difference("rollup", subject, None, f"process_rollups: {'; '.join(wrong)}"))
    return differences
