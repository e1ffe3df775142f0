"""``process_rollups``, ``process_totals``: the rows that a partition must have, counted from the states at the end.

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

TOTALS = f"""
    SELECT partition, definition_id, definition_version, {_COLUMNS}, duration_ms, durations, duration_counts
    FROM process_totals
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

    def add(self, other: "Tally") -> None:
        """All of another one."""
        self.counts += other.counts
        self.duration_ms += other.duration_ms
        self.durations += other.durations


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
    rows = {Key(row["definition_id"], row["definition_version"], row["hour"]): row for row in found}
    differences = []
    for key in sorted(expected.keys() | rows.keys()):
        if wrong := _wrong(expected.get(key), rows.get(key)):
            subject = f"{key.definition_id}:{key.definition_version} in partition {partition} at {key.hour.isoformat()}"
            differences.append(Difference("rollup", subject, None, f"process_rollups: {wrong}"))
    return differences


def compare_totals(
    partition: int, expected: Mapping[Key, Tally], found: Iterable[Mapping[str, Any]]
) -> list[Difference]:
    """The same of ``process_totals``, for which ``expected`` is summed up."""
    totals: defaultdict[tuple[str, int], Tally] = defaultdict(Tally)
    for key, tally in expected.items():
        totals[key.definition_id, key.definition_version].add(tally)
    rows = {(row["definition_id"], row["definition_version"]): row for row in found}
    differences = []
    for name, version in sorted(totals.keys() | rows.keys()):
        if wrong := _wrong(totals.get((name, version)), rows.get((name, version))):
            subject = f"{name}:{version} in partition {partition}"
            differences.append(Difference("rollup", subject, None, f"process_totals: {wrong}"))
    return differences


def _wrong(expected: Tally | None, row: Mapping[str, Any] | None) -> str:
    """What differs, in words; neither is nothing but zeros."""
    nothing = Tally().columns()
    wanted, got = nothing if expected is None else expected.columns(), nothing if row is None else row
    return "; ".join(
        f"{name}: expected {value}, but got {got[name]}" for name, value in wanted.items() if got[name] != value
    )
