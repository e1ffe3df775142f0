"""Rows that are in memory against folds: for a database that is simulated, or small enough.

``database`` and ``group`` do the same for one that is neither.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from weir.verify.activities import compare_activities
from weir.verify.database import compare_rows, instance_row
from weir.verify.explain import compare_history
from weir.verify.fold import Fold
from weir.verify.history import COLUMNS, row_digest
from weir.verify.incidents import compare_incidents, incident_row
from weir.verify.report import Difference
from weir.verify.rollups import compare_rollups, compare_totals
from weir.verify.rows import InstanceRow
from weir.verify.table import compare_table, entities_of
from weir.verify.tasks import compare_tasks, task_row

Row = Mapping[str, Any]
T = TypeVar("T")


def compare_database(
    folds: Sequence[Fold],
    history: Iterable[Row],
    instances: Iterable[Row],
    tasks: Iterable[Row] = (),
    incidents: Iterable[Row] = (),
) -> list[Difference]:
    """What differs from what ``folds`` say (made with ``keep_rows``), up to their cut for the database.

    Rows are by column name, as ``database.HISTORY``, ``database.INSTANCES``, ``tasks.QUERY`` and ``incidents.QUERY``
    ask for them: ids are text, times aware ``datetime`` objects, and JSON is text.
    """
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    left: defaultdict[str, int] = defaultdict(int)
    for row in history:
        rows[row["instance_id"]].append(row)
        left[row["instance_id"]] += row_digest(tuple(row[name] for name in COLUMNS))
    found: defaultdict[str, list[InstanceRow]] = defaultdict(list)
    for row in instances:
        found[row["id"]].append(instance_row(row))
    asked, stopped = _by_instance(tasks, task_row), _by_instance(incidents, incident_row)
    differences: list[Difference] = []
    known: set[str] = set()
    for fold in folds:
        known |= fold.projected.keys()
        assert fold.histories is not None
        assert fold.rows is not None
        assert fold.tasks is not None
        assert fold.incidents is not None
        for name, projected in fold.projected.items():
            if len(rows[name]) != projected.events or left[name] != projected.history:
                differences += compare_history(name, fold.histories[name], rows[name])
            if name not in fold.broken and [row.digest for row in found[name]] != [projected.row]:
                differences += compare_rows(fold.rows.get(name), found[name])
            if name not in fold.broken:
                differences += compare_tasks(name, fold.tasks.get(name, {}), asked[name])
                differences += compare_incidents(name, fold.incidents.get(name, {}), stopped[name])
    for name in sorted((rows.keys() | found.keys() | asked.keys() | stopped.keys()) - known):
        differences += compare_history(name, (), rows[name])
        differences += compare_rows(None, found[name])
        differences += compare_tasks(name, {}, asked[name])
        differences += compare_incidents(name, {}, stopped[name])
    return differences


def _by_instance(rows: Iterable[Row], read: Callable[[Row], T]) -> defaultdict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for row in rows:
        found[row["instance_id"]].append(read(row))
    return found


def compare_counts(
    folds: Sequence[Fold], rollups: Iterable[Row], totals: Iterable[Row], activities: Iterable[Row]
) -> list[Difference]:
    """``process_rollups``, ``process_totals`` and ``activity_rollups``, rows as ``QUERY`` and ``TOTALS`` ask for them,
    against what ``folds`` have counted.
    """
    counted, summed, ended = _by_partition(rollups), _by_partition(totals), _by_partition(activities)
    differences: list[Difference] = []
    for fold in folds:
        if not fold.broken:
            partition = fold.course.partition
            differences += compare_rollups(partition, fold.rollups, counted[partition])
            differences += compare_totals(partition, fold.rollups, summed[partition])
            differences += compare_activities(partition, fold.activities, ended[partition])
    return differences


def _by_partition(rows: Iterable[Row]) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["partition"]].append(row)
    return found


def compare_tables(
    folds: Mapping[int, Fold], contents: Mapping[int, Mapping[bytes, bytes]], now_ms: int
) -> list[Difference]:
    """Each partition's table against its fold; soft records and positions are left out.  ``now_ms`` is plant time."""
    differences: list[Difference] = []
    for partition, fold in folds.items():
        differences += compare_table(fold, entities_of(contents.get(partition, {}).items()), now_ms)
    return differences
