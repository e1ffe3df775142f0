"""``activity_rollups``: the rows that a partition must have, counted from its events one by one.

The projector counts by batches, and asks the history for what they lack; here each instance is followed to its end.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from projections.tables.activity_rollups import BEGINS, BESIDE, COMPLETED, COUNTS, ENDS, FAILED, Ended, is_certain
from projections.tables.process_rollups import HOUR_MS, rounded
from streams.core.durations import instant, instant_ms
from streams.core.events import Event
from weir.verify.report import Difference

_COLUMNS = ", ".join(COUNTS)
QUERY = f"""
    SELECT partition, definition_id, activity_id, hour, {_COLUMNS}, duration_ms, durations, duration_counts,
           error_types, error_counts
    FROM activity_rollups
"""  # noqa: S608  the columns are constants
_MS = timedelta(milliseconds=1)
_FINISHES = frozenset({"completed", "cancelled"})


class Key(NamedTuple):
    """Of a row, without its partition."""

    definition_id: str
    activity_id: str
    hour: datetime


class Tally:
    """What a row must hold."""

    def __init__(self) -> None:
        self.counts = [0] * len(COUNTS)
        self.duration_ms = 0
        self.durations: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()

    def columns(self) -> dict[str, Any]:
        """By name, as ``QUERY`` has them."""
        lasted, errors = sorted(self.durations), sorted(self.errors)
        return {
            **dict(zip(COUNTS, self.counts, strict=True)),
            "duration_ms": self.duration_ms,
            "durations": lasted,
            "duration_counts": [self.durations[ms] for ms in lasted],
            "error_types": errors,
            "error_counts": [self.errors[type_] for type_ in errors],
        }


class _Course:
    """Of an instance: when what goes on at a place began, and each execution."""

    __slots__ = ("begun", "places")

    def __init__(self) -> None:
        self.begun: dict[int, datetime] = {}
        self.places: dict[tuple[str, str | None], datetime | None] = {}


class ActivityTallies(defaultdict[Key, Tally]):
    """Of a partition: ``take`` its events in order."""

    def __init__(self) -> None:
        super().__init__(Tally)
        self._courses: defaultdict[str, _Course] = defaultdict(_Course)

    def take(self, event: Event) -> None:
        """An event of an instance."""
        if event.activity_id is not None:
            self._count(event, event.activity_id)
        if event.type in _FINISHES:
            self._courses.pop(event.subject, None)

    def _count(self, event: Event, activity_id: str) -> None:
        course, place = self._courses[event.subject], (activity_id, event.token)
        if event.type == BEGINS:
            course.places[place] = course.begun[event.data["execution"]] = event.time
        elif (beside := BESIDE.get(event.type)) is not None:
            self._row(event, activity_id).counts[beside] += 1
        elif (outcome := ENDS.get(event.type)) is not None:
            told = msgspec.convert(event.data, Ended)
            since = course.places.get(place)
            course.places[place] = None
            if outcome == FAILED and since is None and not is_certain(event.type, told):
                return
            row = self._row(event, activity_id)
            row.counts[outcome] += 1
            if outcome == FAILED:
                row.errors[told.error_type] += 1
            if since is None and told.execution is not None:
                since = course.begun.get(told.execution)
            if outcome == COMPLETED and since is not None:
                lasted_ms = (event.time - since) // _MS
                row.duration_ms += lasted_ms
                row.durations[rounded(lasted_ms)] += 1

    def _row(self, event: Event, activity_id: str) -> Tally:
        hour = instant(instant_ms(event.time) // HOUR_MS * HOUR_MS)
        return self[Key(event.definition_id, activity_id, hour)]


def compare_activities(
    partition: int, expected: Mapping[Key, Tally], found: Iterable[Mapping[str, Any]]
) -> list[Difference]:
    """Row by row."""
    nothing = Tally().columns()
    rows = {Key(row["definition_id"], row["activity_id"], row["hour"]): row for row in found}
    differences = []
    for key in sorted(expected.keys() | rows.keys()):
        wanted = expected[key].columns() if key in expected else nothing
        row = rows.get(key, nothing)
        wrong = [
            f"{name}: expected {value}, but got {row[name]}" for name, value in wanted.items() if row[name] != value
        ]
        if wrong:
            subject = f"{key.definition_id}/{key.activity_id} in partition {partition} at {key.hour.isoformat()}"
            differences.append(Difference("activities", subject, None, f"activity_rollups: {'; '.join(wrong)}"))
    return differences
