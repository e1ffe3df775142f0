"""The arithmetic of ``process_rollups``: whatever happens to instances, its counts are those of their states; and of
``activity_rollups``: its counts are those of executions followed one by one.
"""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from projections.feeds.events import InstanceEvent, instance_of
from projections.tables import activity_rollups
from projections.tables.activity_rollups import BESIDE, COUNTS, ENDS
from projections.tables.incidents import OPENS
from projections.tables.process_rollups import SEVERAL, STATUSES, TRANSITIONS, Key, Rollup, build, rounded
from streams.codec import decode_event_head, encode_event
from streams.core.apply import INSTANCE_APPLIERS
from streams.core.commands import Cancel, Migrate, Resume, Retry, Signal, StartProcess, Suspend
from streams.core.durations import instant, instant_ms
from streams.core.events import Event
from streams.core.state import Finished, Instance
from tests.core.plant import Plant
from weir.verify.activities import ActivityTallies, compare_activities
from weir.verify.rollups import Tallies, compare_rollups, compare_totals
from weir.verify.seen import COMPLETES_STEP, STATUS_EVENTS

DEFINITION = """
id: shaky
version: {version}
timeout: 1h
trigger: {{type: api, mode: parallel}}
variables: [{{name: x, default: 1}}]
activities:
  - {{id: first, type: timer, duration: 1m}}
  - {{id: work, type: decision, condition: 10 / x > 1, true_path: long, false_path: end}}
  - {{id: long, type: message, name: go}}
  - {{id: end, type: end}}
"""


def items(events: Sequence[Event]) -> list[InstanceEvent]:
    found = []
    for event in events:
        instance = instance_of(event.subject)
        if instance is not None:
            found.append(InstanceEvent(instance, decode_event_head(encode_event(event))))
    return found


def total(rollups: Sequence[Rollup]) -> dict[Key, tuple[Counter[str], int, Counter[int]]]:
    found: dict[Key, tuple[Counter[str], int, Counter[int]]] = {}
    for rollup in rollups:
        assert rollup.untold == []
        for key, delta in rollup.rows.items():
            counts, lasted, durations = found.get(key, (Counter[str](), 0, Counter[int]()))
            counts.update(dict(zip(STATUSES, delta.counts, strict=False)))  # behind them, what nobody reads
            durations.update(delta.durations)
            found[key] = (counts, lasted + delta.duration_ms, durations)
    return found


STEPS = ("start", "start broken", "suspend", "resume", "cancel", "retry", "migrate", "minute", "two hours", "complete")


@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), min_size=1, max_size=40))
def test_rollups_are_the_counts_of_the_states_at_every_moment(steps: list[tuple[str, int]]) -> None:
    plant = Plant(DEFINITION.format(version=1), DEFINITION.format(version=2))
    rollups: list[Rollup] = []
    started: list[str] = []
    for step, which in steps:
        before = len(plant.log)
        act(plant, step, started, which)
        rollups.append(build(items(plant.log[before:])))
        counts = {key: {s: n for s, n in told[0].items() if n} for key, told in total(rollups).items()}
        assert {key: one for key, one in counts.items() if one} == expected(plant)
    # However the log is cut into batches.
    assert total([build(items(plant.log))]) == total(rollups)
    assert activities(plant.log) == followed(plant.log)


def activities(events: Sequence[Event]) -> dict[tuple[str, str, int], dict[str, object]]:
    """What ``activity_rollups`` adds for a batch that has the beginnings of all."""
    rollup = activity_rollups.build(items(events))
    assert rollup.unseen == []
    rows = {}
    for (_, *key, hour), delta in rollup.rows.items():
        if any(delta.counts):
            lasted, errors = sorted(delta.durations.items()), sorted(delta.errors.items())
            rows[(*key, hour)] = dict(zip(COUNTS, delta.counts, strict=True)) | {
                "duration_ms": delta.duration_ms,
                "durations": [ms for ms, _ in lasted],
                "duration_counts": [count for _, count in lasted],
                "error_types": [type_ for type_, _ in errors],
                "error_counts": [count for _, count in errors],
            }
    return rows


def followed(events: Sequence[Event]) -> dict[tuple[str, str, int], dict[str, object]]:
    """The same by ``weir verify``."""
    tallies = ActivityTallies()
    for event in events:
        if instance_of(event.subject) is not None:
            tallies.take(event)
    return {
        (key.definition_id, key.activity_id, instant_ms(key.hour) // 3_600_000): tally.columns()
        for key, tally in tallies.items()
    }


def act(plant: Plant, step: str, started: list[str], which: int) -> None:
    instance_id = started[which % len(started)] if started else "0" * 8 + "-0000-8000-8000-" + "0" * 12
    if step.startswith("start"):
        variables = {"x": 0} if "broken" in step else {}
        events = plant.do(StartProcess(definition_id="shaky", definition_version=1 + which % 2, variables=variables))
        started.extend(event.subject for event in events if event.type == "started")
    elif step == "suspend":
        plant.do(Suspend(instance_id=instance_id))
    elif step == "resume":
        plant.do(Resume(instance_id=instance_id))
    elif step == "cancel":
        plant.do(Cancel(instance_id=instance_id))
    elif step == "retry":
        plant.do(Retry(instance_id=instance_id))
    elif step == "migrate":
        plant.do(Migrate(instance_id=instance_id, version=1 + which % 2))
    elif step == "complete":
        plant.do(Signal(instance_id=instance_id, name="go"))
    else:
        until = plant.now + (60_000 if step == "minute" else 7_200_000)
        while (due := plant.due()) and due[0][0] <= until:
            plant.fire_next()
        plant.now = until


def expected(plant: Plant) -> dict[Key, dict[str, int]]:
    """Counted from the states."""
    found: dict[Key, Counter[str]] = {}
    versions = {event.subject: event.definition_version for event in plant.log}
    versions |= {event.subject: event.data["to_version"] for event in plant.log if event.type == "migrated"}
    for subject, version in versions.items():
        state = plant.table.get(subject)
        if isinstance(state, Instance | Finished):
            started_ms = int(subject.replace("-", "")[:12], 16)
            key = (0, "shaky", version, started_ms // 3_600_000)
            found.setdefault(key, Counter())[state.status] += 1
    return {key: dict(counts) for key, counts in found.items()}


def test_every_event_that_changes_a_status_was_thought_of() -> None:
    assert set(TRANSITIONS) == STATUS_EVENTS | {"migrated"}
    assert set(TRANSITIONS) - {"started"} <= set(INSTANCE_APPLIERS)
    assert {name for name, (before, _) in TRANSITIONS.items() if before is None} - {"started"} == SEVERAL


@given(ms=st.integers(0, 10**12))
def test_durations_are_kept_within_five_percent(ms: int) -> None:
    assert abs(rounded(ms) - ms) <= 0.05 * ms
    assert len(str(rounded(ms)).rstrip("0")) <= 2


def test_a_row_that_is_not_as_counted_is_told() -> None:
    plant = Plant(DEFINITION.format(version=1), DEFINITION.format(version=2))
    one = plant.start("shaky")
    plant.start("shaky")
    state = plant.state(one)
    assert isinstance(state, Instance)
    tallies = Tallies()
    tallies.count(state, "running", 0)
    tallies.count(state, "completed", state.started_at + 123_456)
    [(key, tally)] = tallies.items()
    assert (tally.duration_ms, tally.columns()["durations"]) == (123_456, [120_000])
    row = key._asdict() | tally.columns()
    assert compare_rollups(0, tallies, [row]) == []
    nothing = key._asdict() | {"hour": instant(0)} | {name: type(value)() for name, value in tally.columns().items()}
    assert compare_rollups(0, tallies, [row, nothing]) == []
    [missing] = compare_rollups(0, tallies, [])
    assert "running: expected 1, but got 0" in missing.message
    assert compare_totals(0, tallies, [row]) == []
    [missing] = compare_totals(0, tallies, [])
    assert missing.message.startswith("process_totals: running: expected 1, but got 0; completed: expected 1")
    [wrong] = compare_rollups(0, tallies, [row | {"failed": 1}])
    assert wrong.message == "process_rollups: failed: expected 0, but got 1"


def test_every_end_of_an_activity_was_thought_of() -> None:
    told = {name for name in INSTANCE_APPLIERS if name.startswith("activity_")} - {activity_rollups.BEGINS}
    assert told <= {*ENDS, *BESIDE}
    assert ENDS.keys() >= {*COMPLETES_STEP, *OPENS} - {"timed_out"}


def test_activities_that_are_not_as_counted_are_told() -> None:
    plant = Plant(DEFINITION.format(version=1), DEFINITION.format(version=2))
    plant.start("shaky", x=0)
    plant.fire_next()
    tallies = ActivityTallies()
    for event in plant.log:
        if instance_of(event.subject) is not None:
            tallies.take(event)
    by_activity = {key.activity_id: (key, tally) for key, tally in tallies.items()}
    (_, first), (broken, work) = by_activity["first"], by_activity["work"]
    assert (first.columns()["completed"], first.columns()["durations"]) == (1, [60_000])
    assert (work.columns()["failed"], work.columns()["error_types"]) == (1, ["expression"])
    rows = [key._asdict() | tally.columns() for key, tally in tallies.items()]
    assert compare_activities(0, tallies, rows) == []
    [missing] = compare_activities(0, tallies, [row for row in rows if row["activity_id"] != "first"])
    assert "completed: expected 1, but got 0" in missing.message
    changed = [row | {"error_counts": [2]} if row["activity_id"] == "work" else row for row in rows]
    [wrong] = compare_activities(0, tallies, changed)
    assert wrong.message == "activity_rollups: error_counts: expected [1], but got [2]"
    assert wrong.subject.startswith(f"shaky/{broken.activity_id} in partition 0")
