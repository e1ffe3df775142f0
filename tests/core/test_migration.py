"""Instances go on with another version of their definition: what is safe, what needs a mapping, what cannot be."""

import pytest

from streams.core.commands import Migrate, PublishMessage, Resume, Retry, SetVariables, Signal, Suspend
from streams.core.process import Process, UnusableError
from tests.core.plant import Plant
from tests.core.test_lifecycle import INCIDENT, NEWER, PUMP, _answer, _running, _state

ITEMS = """
id: items
version: 1
trigger: {type: api}
variables: [{name: rooms, value: [1, 2]}]
activities:
  - {id: each, type: foreach, items: rooms, activities: [{id: rest, type: timer, duration: "${item}h"}]}
"""


def _with(newer: str) -> tuple[Plant, str]:
    plant = Plant(PUMP)
    instance = _running(plant)
    plant.add(newer)
    return plant, instance


def test_an_instance_goes_on_with_another_version() -> None:
    newer = NEWER.replace("  - {name: answer}", "  - {name: answer}\n  - {name: limit, value: 3}").replace(
        "id: rest", "id: pause"
    )
    plant, instance = _with(newer)
    plant.do(Migrate(instance_id=instance, version=2))
    state = _state(plant, instance)
    assert (state.definition_version, state.variables["limit"]) == (2, 3)
    plant.do(_answer(instance))
    assert plant.types(instance)[-1] == "timer_started pause"
    assert plant.log[-1].definition_version == 2


def test_activities_that_are_called_otherwise_are_mapped() -> None:
    plant, instance = _with(NEWER.replace("id: ask", "id: question").replace("path: ask", "path: question"))
    plant.do(_answer(instance))
    plant.fire_next()
    reason, message = plant.refused(Migrate(instance_id=instance, version=2))
    assert reason == "needs_mapping"
    assert message.endswith("version 2 has no activity 'ask', where the instance is: map it to one of question")
    plant.do(Migrate(instance_id=instance, version=2, activities={"ask": "question"}))
    plant.do(Signal(name="decided", instance_id=instance))
    assert plant.types(instance)[-2:] == ["variable_changed", "completed end"]


def test_what_is_awaited_under_another_name_is_awaited_so() -> None:
    plant, instance = _with(NEWER.replace("name: decided", "name: settled"))
    plant.do(_answer(instance))
    plant.fire_next()
    plant.do(Migrate(instance_id=instance, version=2))
    plant.do(Signal(name="settled", instance_id=instance))
    assert plant.types(instance)[-1] == "completed end"


@pytest.mark.parametrize(
    ("newer", "activities", "reason", "text"),
    [
        (
            NEWER.replace("id: run,", "id: go,"),
            {"run": "go"},
            "impossible",
            "Expected it to keep its name, but it is 'go' in version 2: try again when it has answered",
        ),
        (
            NEWER,
            {"run": "rest"},
            "needs_mapping",
            "Expected 'rest' of version 2 to be of the same kind as 'run' was, but it is timer, not service",
        ),
        (NEWER, {"runn": "run"}, "needs_mapping", "version 1 has no activity 'runn'. Did you mean 'run'?"),
        (NEWER, {"run": "runn"}, "needs_mapping", "version 2 has no activity 'runn'. Did you mean 'run'?"),
        (
            NEWER.replace(
                '{id: run, type: service, action: mqtt_publish, config: {topic: pump, payload: {speed: "${speed}"}}}',
                "{id: run, type: timer, duration: 1s}",
            ),
            {},
            "needs_mapping",
            "to be of the same kind as 'run' was",
        ),
        (
            NEWER.replace("  - {name: answer}", "  - {name: answer}\n  - {name: limit, type: number, required: true}"),
            {},
            "needs_mapping",
            "Expected a value for variable 'limit', but there is none: give it with the migration",
        ),
    ],
)
def test_what_stands_against_a_migration_is_told(
    newer: str, activities: dict[str, str], reason: str, text: str
) -> None:
    plant, instance = _with(newer)
    refused = plant.refused(Migrate(instance_id=instance, version=2, activities=activities))
    assert refused[0] == reason
    assert text in refused[1]


def test_an_activity_that_the_new_version_has_nothing_like_makes_a_migration_impossible() -> None:
    newer = NEWER.replace("  - {id: ask, type: message, name: decided, output: answer}\n", "").replace(
        "path: ask", "path: end"
    )
    plant, instance = _with(newer)
    plant.do(_answer(instance))
    plant.fire_next()
    reason, text = plant.refused(Migrate(instance_id=instance, version=2))
    assert reason == "impossible"
    assert text.endswith("no activity there is of its kind")


def test_a_migration_gives_variables_that_only_the_new_version_has() -> None:
    newer = NEWER.replace("  - {name: answer}", "  - {name: answer}\n  - {name: limit, type: number, required: true}")
    plant, instance = _with(newer)
    plant.do(Migrate(instance_id=instance, version=2, variables={"limit": 9}))
    assert _state(plant, instance).variables["limit"] == 9
    assert plant.refused(Migrate(instance_id=instance, version=2))[0] == "unchanged"
    assert plant.refused(Migrate(instance_id=instance, version=3))[0] == "unknown_definition"


def test_a_failed_instance_is_migrated_and_retried_with_what_was_corrected() -> None:
    plant, instance = _with(NEWER.replace("10 / speed", "10 / (speed + 1)"))
    plant.do(_answer(instance))
    plant.do(SetVariables(instance_id=instance, variables={"speed": 0}))
    plant.fire_next()
    assert _state(plant, instance).status == "failed"
    plant.do(Migrate(instance_id=instance, version=2))
    plant.do(Retry(instance_id=instance))
    assert plant.types(instance)[-1] == "message_awaited ask"


def test_what_stands_in_a_branch_is_migrated_by_its_place() -> None:
    plant = Plant(INCIDENT)
    instance = plant.start("incident")
    plant.add(INCIDENT.replace("version: 1", "version: 2").replace("id: both", "id: all"))
    reason, text = plant.refused(Migrate(instance_id=instance, version=2))
    assert (reason, text.count("version 2 has no activity 'both'")) == ("needs_mapping", 1)
    plant.do(Migrate(instance_id=instance, version=2, activities={"both": "all"}))
    assert [scope.activity_id for scope in _state(plant, instance).scopes.values()] == ["all"]


def test_what_stands_against_a_migration_at_many_places_is_told_once() -> None:
    items = ITEMS.replace("items: rooms", "items: rooms, concurrency: 2")
    plant = Plant(items)
    instance = plant.start("items")
    assert list(_state(plant, instance).waiting) == ["rest@1.1", "rest@1.2"]
    plant.add(items.replace("version: 1", "version: 2").replace("id: rest", "id: nap"))
    reason, text = plant.refused(Migrate(instance_id=instance, version=2))
    assert (reason, text.count("version 2 has no activity 'rest'")) == ("needs_mapping", 1)


def test_a_migration_gives_no_variables_that_the_new_version_lacks() -> None:
    plant, instance = _with(NEWER)
    reason, text = plant.refused(Migrate(instance_id=instance, version=2, variables={"sped": 1}))
    assert reason == "needs_mapping"
    assert text.endswith("version 2 has no variable 'sped'. Did you mean 'speed'?")


# ---- what names the activity elsewhere

CHILD = "id: child\nversion: 1\ntrigger: {type: api}\nactivities: [{id: wait, type: message, name: go}]\n"
WAITS = """
id: waits
version: 1
trigger: {type: api}
variables: [{name: x, value: 1}, {name: got}]
activities:
  - %s
  - {id: last, type: timer, duration: 1h}
"""
HEARS = WAITS % "{id: hear, type: message, name: paid, correlation: \"'A-1'\", output: got}"


def _migrating(definition: str, **changes: str) -> tuple[Plant, str]:
    """An instance of a definition of which there is a version 2 with other words."""
    plant = Plant(CHILD, definition)
    instance = plant.start("waits")
    plant.settle()
    newer = definition.replace("version: 1", "version: 2")
    for old, new in changes.items():
        assert old in newer
        newer = newer.replace(old, new)
    plant.add(newer)
    return plant, instance


@pytest.mark.parametrize(
    ("activity", "changes", "activities", "text"),
    [
        ("{id: sub, type: subprocess, process: child}", {"sub,": "under,"}, {"sub": "under"}, "will name it so"),
        (
            "{id: call, type: service, action: mqtt_publish, topic: t, payload: 1}",
            {"mqtt_publish, topic: t, payload: 1": "http_request, url: 'http://h/'"},
            {},
            "activity 'call' has asked for action 'mqtt_publish'. Expected the same of 'call' in version 2",
        ),
        (
            "{id: ask, type: user_task, title: t, approvers: [anna, ben]}",
            {"approvers: [anna, ben]": "candidates: {users: [anna, ben]}"},
            {},
            "activity 'ask' has asked several approvers. Expected the same of 'ask' in version 2",
        ),
    ],
)
def test_what_is_answered_by_its_name_keeps_it(
    activity: str, changes: dict[str, str], activities: dict[str, str], text: str
) -> None:
    plant, instance = _migrating(WAITS % activity, **changes)
    reason, told = plant.refused(Migrate(instance_id=instance, version=2, activities=activities))
    assert (reason, text in told) == ("impossible", True)


def test_an_attempt_is_made_under_the_name_of_those_before() -> None:
    call = "{id: call, type: service, action: mqtt_publish, topic: t, payload: 1}"
    plant, instance = _migrating(WAITS % call, **{"id: call": "id: ring"})
    plant.refuse(instance, "call", retryable=True)
    reason, told = plant.refused(Migrate(instance_id=instance, version=2, activities={"call": "ring"}))
    assert (reason, "waits for another attempt of an action" in told) == ("impossible", True)


@pytest.mark.parametrize("suspended", [False, True])
@pytest.mark.parametrize(
    ("changes", "name"),
    [({"id: hear": "id: listen"}, "paid"), ({"name: paid": "name: settled"}, "settled")],
    ids=["activity", "message"],
)
def test_a_message_of_a_correlation_key_comes_to_what_is_called_otherwise(
    changes: dict[str, str], name: str, suspended: bool
) -> None:
    plant, instance = _migrating(HEARS, **changes)
    if suspended:
        plant.do(Suspend(instance_id=instance))
    plant.do(Migrate(instance_id=instance, version=2, activities={"hear": "listen"} if name == "paid" else {}))
    plant.settle()
    plant.do(PublishMessage(name=name, correlation_key="A-1", payload={"n": 7}))
    plant.settle()
    if suspended:
        plant.do(Resume(instance_id=instance))
        plant.settle()
    state = _state(plant, instance)
    assert (list(state.waiting), state.variables["got"]) == (["last"], {"n": 7})


def test_a_message_under_way_to_an_activity_that_is_called_otherwise_comes_to_it_all_the_same() -> None:
    plant, instance = _migrating(HEARS, **{"id: hear": "id: listen"})
    plant.do(PublishMessage(name="paid", correlation_key="A-1", payload={"n": 7}))
    plant.do(Migrate(instance_id=instance, version=2, activities={"hear": "listen"}))
    plant.settle()
    assert list(_state(plant, instance).waiting) == ["last"]


def _overdue(plant: Plant, instance: str) -> None:
    """Resume the instance two hours later; timers that are due come before what was held."""
    plant.do(Resume(instance_id=instance), after_ms=7_200_000)
    for due, timer in plant.due():
        if due <= plant.now:
            plant.do(timer)
    plant.settle()


IN_TIME = HEARS.replace("output: got", "output: got, timeout: 1h, on_timeout: last, next: last")


def test_what_came_in_time_counts_though_its_activity_is_called_otherwise_since() -> None:
    plant, instance = _migrating(IN_TIME, **{"id: hear": "id: listen"})
    plant.do(Suspend(instance_id=instance))
    plant.do(PublishMessage(name="paid", correlation_key="A-1", payload={"n": 7}))
    plant.settle()
    plant.do(Migrate(instance_id=instance, version=2, activities={"hear": "listen"}))
    plant.settle()
    _overdue(plant, instance)
    assert _state(plant, instance).variables["got"] == {"n": 7}
    assert list(_state(plant, instance).waiting) == ["last"]
    assert plant.mailboxes() == []


def _no_longer_awaited() -> tuple[Plant, str]:
    """A suspended instance with a message, whose name is another one since its migration."""
    plant, instance = _migrating(IN_TIME, **{"name: paid": "name: settled"})
    plant.do(Suspend(instance_id=instance))
    plant.do(PublishMessage(name="paid", correlation_key="A-1", payload={"n": 1}))
    plant.settle()
    plant.do(Migrate(instance_id=instance, version=2))
    plant.settle()
    return plant, instance


def test_what_came_under_a_name_that_is_no_longer_awaited_neither_counts_nor_stands_in_the_way() -> None:
    plant, instance = _no_longer_awaited()
    assert list(_state(plant, instance).deadlines) == ["hear"]
    plant.do(PublishMessage(name="settled", correlation_key="A-1", payload={"n": 2}))
    plant.settle()
    _overdue(plant, instance)
    assert _state(plant, instance).variables["got"] == {"n": 2}


def test_a_message_that_is_no_longer_awaited_does_not_hold_up_the_deadline() -> None:
    plant, instance = _no_longer_awaited()
    _overdue(plant, instance)
    assert list(_state(plant, instance).waiting) == ["last"]
    assert "activity_failed hear" in plant.types(instance)


def test_a_message_that_came_under_the_other_name_before_is_taken() -> None:
    plant, instance = _migrating(HEARS, **{"name: paid": "name: settled"})
    plant.do(Signal(name="settled", instance_id=instance, payload={"n": 7}))
    plant.do(Migrate(instance_id=instance, version=2))
    plant.settle()
    state = _state(plant, instance)
    assert (list(state.waiting), state.variables["got"], state.signals) == (["last"], {"n": 7}, [])


# ---- what has been done, and where

UNDO = WAITS % (
    "{id: book, type: service, action: log, message: b, compensation: "
    "[{id: free, type: service, action: log, message: 'free ${x}'}]}\n"
    "  - {id: hold, type: message, name: go}\n  - {id: undo, type: compensate}"
)


def test_what_may_have_to_be_undone_is_there_in_the_new_version() -> None:
    plant, instance = _migrating(UNDO, **{"id: book": "id: reserve"})
    reason, told = plant.refused(Migrate(instance_id=instance, version=2))
    assert (reason, "activity 'book' has completed and may have to be undone" in told) == ("needs_mapping", True)
    plant.do(Migrate(instance_id=instance, version=2, activities={"book": "reserve"}))
    plant.do(Signal(name="go", instance_id=instance))
    assert "activity_completed free@3.1" in plant.types(instance)
    assert list(_state(plant, instance).waiting) == ["last"]


def test_what_can_be_undone_in_the_new_version_needs_no_mapping() -> None:
    plant, instance = _migrating(UNDO, **{"message: b": "message: booked"})
    plant.do(Migrate(instance_id=instance, version=2))
    plant.do(Signal(name="go", instance_id=instance))
    assert "activity_completed free@3.1" in plant.types(instance)


def test_what_cannot_be_undone_in_the_new_version_is_told() -> None:
    undo = "compensation: [{id: free, type: service, action: log, message: 'free ${x}'}]"
    plant, instance = _migrating(UNDO, **{f"message: b, {undo}": "message: b"})
    reason, told = plant.refused(Migrate(instance_id=instance, version=2))
    assert (reason, "'book' of version 2 has no 'compensation'" in told) == ("impossible", True)


def test_what_waits_in_a_branch_does_so_in_the_new_version() -> None:
    nap = "{id: nap, type: timer, duration: 1m}"
    both = "{id: both, type: parallel, branches: {a: [%s], b: [{id: rest, type: timer, duration: 1h}]}}"
    plant, instance = _migrating(WAITS % (both % nap))
    plant.add(
        (WAITS % f"{both % '{id: other, type: timer, duration: 1m}'}\n  - {nap}").replace("version: 1", "version: 2")
    )
    reason, told = plant.refused(Migrate(instance_id=instance, version=2))
    assert reason == "needs_mapping"
    assert told.endswith(
        "Expected 'nap' of version 2 to be within 'both' (branches), as 'nap' was, but it is of the process itself"
    )


def test_a_version_that_cannot_be_used_is_refused() -> None:
    plant, instance = _with(NEWER)
    known = plant.around.process

    def process(definition_id: str, version: int | None) -> Process | None:
        if version == 2:
            raise UnusableError("too long")
        return known(definition_id, version)

    plant.around.process = process
    assert plant.refused(Migrate(instance_id=instance, version=2)) == ("unusable_definition", "too long")
