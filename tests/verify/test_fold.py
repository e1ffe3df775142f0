"""The fold beside a table that was read somewhere between its cuts, without a broker."""

from pathlib import Path

import pytest

from streams.codec import decode_event, encode_entity
from streams.core.commands import FailActivity, Retry
from streams.core.events import Event
from streams.core.ids import partition_of
from streams.core.state import Instance
from streams.endings import FAILED_TTL_MS
from tests.core.plant import START, Plant
from tests.core.plant import fold as folded
from tests.core.test_instances import COOLING
from weir.verify import checks
from weir.verify.checks import EVENT_CHECKS, LOG_CHECKS, STATE_CHECKS
from weir.verify.fold import Fold
from weir.verify.report import Difference
from weir.verify.run import grouped
from weir.verify.table import compare_table

HISTORIES = sorted((Path(__file__).parents[1] / "golden").glob("*.jsonl"))
OUTSIDE = {"__init__", "overdue"}
"""Modules of the checks that are no check of an event, a state or a log: ``overdue`` needs a clock."""


def events_of(path: Path) -> list[Event]:
    return [decode_event(line) for line in path.read_bytes().splitlines()]


def table_of(events: list[Event]) -> dict[bytes, bytes]:
    """What the table holds when these have happened."""
    return {name.encode(): raw for name, raw in folded(events).records.items()}


def fold_of(events: list[Event], watch_from: int) -> Fold:
    """Folded to the end; the table may show any state from ``watch_from`` events on."""
    fold = Fold(_partition(events))
    for number, event in enumerate(events):
        if number == watch_from:
            fold.watch()
        fold.take(event)
    return fold


def _partition(events: list[Event]) -> int:
    return next((partition_of(event.subject) for event in events if event.type == "started"), 0)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_every_state_between_the_cuts_is_right_and_no_other(path: Path) -> None:
    events = events_of(path)[:30]  # all cuts of all tables: the cube of it
    tables = [table_of(events[:number]) for number in range(len(events) + 1)]
    told = 0
    for before in range(len(events) + 1):
        fold = fold_of(events[:before], before)
        for after in range(before, len(events) + 1):
            if after == before + 1:
                fold.watch()
            if after > before:
                fold.take(events[after - 1])
            assert fold.differences == []
            for at in range(max(before - 1, 0), min(after + 1, len(events)) + 1):  # of the others the nearest
                differences = compare_table(fold, tables[at], START)
                if before <= at <= after:
                    assert differences == []
                told += bool(differences)
    assert told > len(events)


def test_a_table_that_is_behind_is_told() -> None:
    events = events_of(HISTORIES[0])
    fold = fold_of(events, len(events))
    assert compare_table(fold, table_of(events[:3]), START)


def test_a_failed_instance_may_be_missing_after_thirty_days() -> None:
    plant = Plant(COOLING)
    instance = plant.start("cooling", None, device_id="a", temperature=31.0)
    plant.do(
        FailActivity(
            instance_id=instance, activity_id="cool", execution=2, attempt=1, error_type="x", error="no broker"
        )
    )
    state = plant.state(instance)
    assert isinstance(state, Instance)
    assert state.status == "failed"
    fold = fold_of(plant.log, len(plant.log))
    ended = state.updated_at
    assert [one.kind for one in compare_table(fold, {}, ended + FAILED_TTL_MS - 1)] == ["table-missing"]
    assert compare_table(fold, {}, ended + FAILED_TTL_MS) == []


def test_one_gap_is_one_difference() -> None:
    """What is behind a gap goes on from there."""
    plant = Plant(COOLING)
    instance = plant.start("cooling", None, device_id="a", temperature=31.0)
    lost = plant.log[1]
    fold = Fold(0)
    for event in plant.log:
        if event is not lost:
            fold.take(event)
    message = "seq: expected 2 after 1, but the log has 3 (decision_evaluated): a gap of 1"
    assert fold.differences == [Difference("sequence", instance, 3, message)]
    assert fold.entities[instance].seq == plant.log[-1].seq


def test_a_state_that_is_spelt_otherwise_is_the_same() -> None:
    plant = Plant(COOLING)
    instance = plant.start("cooling", None, device_id="a", temperature=31.0)
    state = plant.state(instance)
    assert isinstance(state, Instance)
    state.variables = dict(reversed(state.variables.items()))
    table = {instance.encode(): encode_entity(state)}
    assert table != table_of(plant.log)
    assert compare_table(fold_of(plant.log, len(plant.log)), table, START) == []


def test_every_check_is_registered() -> None:
    files = {file.stem for file in Path(checks.__file__).parent.glob("*.py")} - OUTSIDE
    registered = [*(check for _, check in EVENT_CHECKS.values()), *STATE_CHECKS.values(), *LOG_CHECKS.values()]
    assert {check.__module__.rpartition(".")[2] for check in registered} == files


def test_groups_are_of_about_one_size() -> None:
    assert grouped({0: 10, 1: 50, 2: 20, 3: 30}, 2) == [(0, 1), (2, 3)]
    assert grouped({0: 1, 1: 1}, 1) == [(0, 1)]
    assert grouped({0: 1}, 2) == [(0,)]
    assert len(grouped(dict.fromkeys(range(16), 1_000_000), 2)) == 4


TRIES = "id: p\nversion: 1\ntrigger: {type: redpanda, topic: heatpump-telemetry}\n"
LATE = "{id: %s, type: timer, duration: '${x.y}s', timeout: 5m%s}"


@pytest.mark.parametrize(
    "activities",
    [
        [LATE % ("a", "")],
        ["{id: rest, type: timer, duration: 1m}", LATE % ("a", "")],
        [LATE % ("a", ", on_error: b, next: end"), "{id: b, type: timer, duration: 1m}"],
        ["{id: each, type: foreach, items: '[1, 2]', concurrency: 2, activities: [%s]}" % (LATE % ("a", ""))],
    ],
)
@pytest.mark.parametrize("on_failure", ["fail", "incident"])
def test_an_activity_that_fails_before_it_waits_is_no_damage(activities: list[str], on_failure: str) -> None:
    variables = "variables: [{name: x, source: fields.x, default: 1}]\n"
    body = "".join(f"  - {one}\n" for one in activities)
    plant = Plant(f"{TRIES}{variables}on_failure: {on_failure}\nactivities:\n{body}")
    instance = plant.start("p", "pump-1")
    plant.observe("pump-1", x=2)
    for _ in range(2):
        if plant.due() and not any(event.type == "activity_failed" for event in plant.log):
            plant.fire_next()
        plant.settle()
        plant.do(Retry(instance_id=instance))
    plant.settle()
    assert fold_of(plant.log, len(plant.log)).differences == []


def test_a_notice_that_cannot_be_rendered_is_no_damage() -> None:
    task = "{id: ask, type: user_task, title: t, notify: {channel: alert, message: '${x.y}'}}"
    plant = Plant(f"{TRIES}variables: [{{name: x, value: 1}}]\nactivities: [{task}]\n")
    plant.start("p")
    assert plant.log[-1].type == "notice_failed"
    assert fold_of(plant.log, len(plant.log)).differences == []
