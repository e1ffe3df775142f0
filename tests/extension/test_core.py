"""The example in the pure core: its activity runs and folds, its action is asked for, its policy and timers count."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.actions.failures import is_transient
from streams.core.activities.retry import RetryPolicy
from streams.core.commands import CompleteActivity, FailActivity
from streams.core.definition import ProcessDefinition
from streams.core.due import Timer
from streams.core.durations import parse_instant_ms
from streams.core.parse import check_definition, parse_definition
from streams.core.schema import definition_schema
from streams.core.state import Finished
from streams.refused import RefusedError
from streams.timers import TimerBackend, Timers, timer_backend
from tests.core.plant import Plant, fold

TEXT = (Path(__file__).parent / "definition.yaml").read_text()


@pytest.mark.usefixtures("extended")
@pytest.mark.parametrize(("wanted", "kept"), [(31, 28), (15, 15), (-3.5, 15)])
def test_an_instance_runs_through_an_activity_and_an_action_of_the_extension(wanted: float, kept: float) -> None:
    plant = Plant(TEXT)
    instance = plant.start("setpoint", setpoint=wanted, file="/tmp/x")
    started = [event.data for event in plant.log if event.type == "activity_started"]
    assert [data["activity_type"] for data in started] == ["clamp", "service"]
    [request] = [event.data for event in plant.log if event.type == "action_requested"]
    assert request["action"] == "write_line"
    assert request["config"] == {"file": "/tmp/x", "line": f"setpoint {kept} ${{secrets.mark}}"}
    assert [mark["name"] for mark in request["secrets"]] == ["mark"]
    plant.do(
        CompleteActivity(
            instance_id=instance, activity_id="note", execution=request["execution"], attempt=1, output={"lines": 1}
        )
    )
    assert isinstance(plant.table.get(instance), Finished)
    assert fold(plant.log).records == plant.table.records


@pytest.mark.usefixtures("extended")
def test_its_action_is_tried_again_as_its_policy_says() -> None:
    plant = Plant(TEXT)
    instance = plant.start("setpoint", setpoint=20, file="/tmp/x")
    asked = plant.log[-1]
    pauses = []
    for attempt in range(1, 9):
        failed = FailActivity(
            instance_id=instance, activity_id="note", execution=asked.data["execution"], attempt=attempt,
            error_type="file_busy", error="busy", retryable=True,
        )  # fmt: skip
        [scheduled] = plant.do(failed)
        pauses.append((parse_instant_ms(scheduled.data["due"]) - plant.now) // 1000)
        [again] = plant.fire_next()
        assert again.data["attempt"] == attempt + 1
        for same in ("config", "secrets", "idempotency_key", "execution"):
            assert again.data[same] == asked.data[same]
    assert pauses == [1, 1, 2, 3, 5, 8, 13, 21]
    assert fold(plant.log).records == plant.table.records


@pytest.mark.usefixtures("extended")
def test_a_definition_with_them_survives_being_stored() -> None:
    definition = parse_definition(TEXT)
    stored = msgspec.json.decode(msgspec.json.encode(definition.model_dump(mode="json")))
    assert ProcessDefinition.model_validate(stored) == definition
    assert {"clamp", "write_line", "fibonacci"} <= set(_constants(definition_schema())) | {"fibonacci"}


@pytest.mark.usefixtures("extended")
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("max: 28", "max: 5", "Expected 'min' up to 'max' (5), but got 15"),
        ("variable: setpoint", "variable: setpont", "Unknown variable 'setpont'"),
        ("type: clamp", "type: clam", "Did you mean 'clamp'?"),
        ("policy: fibonacci", "policy: fibonaci", "Did you mean 'fibonacci'?"),
        ("line:", "lime:", "Did you mean 'line'?"),
    ],
)
def test_mistakes_in_them_are_told_like_others(old: str, new: str, says: str) -> None:
    assert old in TEXT
    assert any(says in str(one) for one in check_definition(TEXT.replace(old, new), "f")[1])


def test_without_the_extension_its_names_are_unknown() -> None:
    said = [str(one) for one in check_definition(TEXT, "f")[1]]
    assert any("Unknown type 'clamp'" in one for one in said)
    with pytest.raises(RefusedError, match="WEIR_TIMERS: Expected a timer backend that is installed, but got 'sorted'"):
        timer_backend("sorted")


@pytest.mark.usefixtures("extended")
def test_its_policy_says_when_an_action_is_tried_again() -> None:
    note: Any = parse_definition(TEXT).activity("note")
    policy = RetryPolicy.of(note.retry)
    pauses = [policy.pause_ms(attempt, "file_busy", "i:note:2", retryable=True) for attempt in range(1, 10)]
    assert [None if one is None else one // 1000 for one in pauses] == [1, 1, 2, 3, 5, 8, 13, 21, None]
    assert len({one % 1000 for one in pauses if one is not None}) > 4
    assert policy.pause_ms(1, "mail_later", "s", retryable=True) == 3_600_000
    assert (is_transient("file_busy"), is_transient("no_folder")) == (True, False)


MOMENTS = st.integers(0, 30)
TIMERS = st.builds(lambda due, place: Timer(due, f"i{place}", "a", "wait", due), MOMENTS, st.integers(0, 3))
CHANGES = st.lists(st.tuples(st.lists(TIMERS, max_size=3, unique=True), st.lists(TIMERS, max_size=3, unique=True)))


@given(st.lists(st.tuples(MOMENTS, st.integers(0, 4), st.booleans(), CHANGES), max_size=8))
def test_its_timers_are_those_of_the_heap(steps: list[Any]) -> None:
    from weir_example.sorted_timers import SortedTimers  # noqa: PLC0415  found by the fixture below

    heap, mine = Timers(), SortedTimers()
    known: set[Timer] = set()
    for now, limit, commits, wanted in steps:
        fired = heap.due(now, limit)
        assert mine.due(now, limit) == fired
        assert set(fired) <= known
        if not commits:
            heap.give_back()
            mine.give_back()
            continue
        changes = []  # each the difference of what entities wait for before and after; what has fired is over
        for over, new in [(fired, []), *wanted]:
            gone = [one for one in over if one in known]
            come = [one for one in new if one not in known]
            known = known - set(gone) | set(come)
            changes.append((gone, come))
        both: list[TimerBackend] = [heap, mine]
        for one in both:
            one.settled(changes)
        assert mine.next_due() == heap.next_due() == min((timer.due_ms for timer in known), default=None)


@pytest.fixture(autouse=True, scope="module")
def _importable() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent / "src"))
        yield


def _constants(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["const"]] if isinstance(schema.get("const"), str) else []
        return own + [one for value in schema.values() for one in _constants(value)]
    return [one for value in schema for one in _constants(value)] if isinstance(schema, list) else []
