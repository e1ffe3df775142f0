"""Conditions, attempts, handlers, timeouts, incidents: what the options of an activity do."""

import pytest

from streams.core.commands import Retry, SetVariables, Signal
from streams.core.state import Finished, Instance
from tests.core.plant import START, Plant, fold

HEAD = "id: p\nversion: 1\ntrigger: {type: api, mode: parallel}\nvariables: [{name: x, value: 1}]\n"
CALL = "{id: call, type: service, action: mqtt_publish, topic: t, payload: '${x}'%s}"
LOG = "{id: %s, type: service, action: database_log, message: '%s'%s}"


def started(activities: str, head: str = "", **variables: object) -> tuple[Plant, str]:
    plant = Plant(f"{HEAD}{head}activities:\n{activities}")
    return plant, plant.start("p", **variables)


def rows(*activities: str) -> str:
    return "".join(f"  - {one}\n" for one in activities)


def instance(plant: Plant, name: str) -> Instance:
    state = plant.state(name)
    assert isinstance(state, Instance)
    return state


def status(plant: Plant, name: str) -> str:
    assert fold(plant.log).records == plant.table.records
    return plant.state(name).status


# ---- condition


def test_an_activity_whose_condition_is_false_is_skipped() -> None:
    plant, one = started(rows(LOG % ("a", "a", ", condition: x > 1"), LOG % ("b", "b", ", condition: x == 1")))
    assert plant.types(one) == [
        "started",
        "activity_skipped a",
        "activity_started b",
        "activity_completed b",
        "completed end",
    ]
    assert plant.log[1].data == {"condition": "x > 1"}
    assert status(plant, one) == "completed"


def test_a_condition_that_cannot_be_evaluated_is_an_error_of_the_activity() -> None:
    plant, one = started(
        rows(LOG % ("a", "a", ", condition: x.y > 1, on_error: b, next: end"), LOG % ("b", "${error.activity}", ""))
    )
    assert plant.types(one)[1:4] == ["error_caught a", "variable_changed", "activity_started b"]
    assert status(plant, one) == "completed"


# ---- retry


def test_an_error_that_may_heal_is_tried_again_with_the_same_request() -> None:
    plant, one = started(rows(CALL % ""))
    for attempt in (1, 2):
        [scheduled] = plant.refuse(one, "call", retryable=True)
        assert (scheduled.type, scheduled.data["attempt"]) == ("retry_scheduled", attempt)
        state = instance(plant, one)
        state.variables["x"] = 7
        plant.table.put(one, state)
        due, _ = plant.due()[0]
        pause = due - plant.now
        assert 900 * attempt <= pause <= 1_100 * attempt
        [asked] = plant.fire_next()
        assert asked.data["attempt"] == attempt + 1
    requests = [event.data for event in plant.log if event.type == "action_requested"]
    assert {request["idempotency_key"] for request in requests} == {f"{one}:call:1"}
    assert [request["config"]["payload"] for request in requests] == [1, 1, 1]
    assert [event.type for event in plant.refuse(one, "call", retryable=True)] == ["activity_failed", "failed"]
    assert plant.state(one).status == "failed"


@pytest.mark.parametrize(
    ("retry", "error_type", "retryable", "again"),
    [
        ("", "mqtt", False, False),
        (", retry: none", "mqtt", True, False),
        (", retry: 1", "mqtt", True, False),
        (", retry: {non_retryable: [mqtt]}", "mqtt", True, False),
        (", retry: {non_retryable: [mqtt]}", "other", True, True),
        (", retry: {max_attempts: 2}", "mqtt", True, True),
    ],
)
def test_what_is_tried_again(retry: str, error_type: str, retryable: bool, again: bool) -> None:
    plant, one = started(rows(CALL % retry))
    events = plant.refuse(one, "call", error_type=error_type, retryable=retryable)
    assert (events[0].type == "retry_scheduled") is again
    assert status(plant, one) == ("running" if again else "failed")


def test_pauses_grow_up_to_the_greatest_and_are_the_same_on_every_replay() -> None:
    retry = ", retry: {max_attempts: 6, initial_interval: 10s, backoff: 3, max_interval: 1m, jitter: 0}"
    plant, one = started(rows(CALL % retry))
    pauses = []
    for _ in range(5):
        plant.refuse(one, "call", retryable=True)
        pauses.append(plant.due()[0][0] - plant.now)
        plant.fire_next()
    assert pauses == [10_000, 30_000, 60_000, 60_000, 60_000]


def test_an_action_that_does_not_answer_is_asked_again() -> None:
    plant, one = started(rows(CALL % ", retry: 2, timeout: 10s"))
    assert [event.type for event in plant.fire_next()] == ["retry_scheduled"]
    assert [event.type for event in plant.fire_next()] == ["action_requested"]
    assert [event.type for event in plant.fire_next()] == ["activity_failed", "failed"]
    assert status(plant, one) == "failed"


# ---- on_error, on_timeout


@pytest.mark.parametrize(("error_type", "handler"), [("mqtt", "b"), ("other", "c"), ("timeout", "d")])
def test_an_error_goes_to_the_handler_of_its_type(error_type: str, handler: str) -> None:
    options = ", next: end, on_error: {mqtt: b, default: c}, on_timeout: d"
    logs = [LOG % (name, "${error.type}: ${error.message} at ${error.activity}", ", next: end") for name in "bcd"]
    plant, one = started(rows(CALL % options, *logs))
    plant.refuse(one, "call", error_type=error_type)
    assert status(plant, one) == "completed"
    done = plant.log[-2]
    assert (done.activity_id, done.message) == (handler, f"{error_type}: no at call")
    caught = next(event for event in plant.log if event.type == "error_caught")
    assert caught.data == {"error_type": error_type, "error": "no", "handler": handler}


def test_an_error_of_no_type_that_is_handled_fails_the_instance() -> None:
    plant, one = started(rows(CALL % ", next: end, on_error: {http: b}", LOG % ("b", "b", "")))
    plant.refuse(one, "call")
    assert status(plant, one) == "failed"


# ---- timeout


def test_an_activity_that_takes_too_long_goes_on_at_its_handler() -> None:
    ask = "{id: ask, type: message, name: go, timeout: 10m, on_timeout: late, next: end}"
    plant, one = started(rows(ask, LOG % ("late", "${error.message}", "")))
    assert plant.due()[0][0] == START + 600_000
    assert [event.type for event in plant.fire_next()][:2] == ["activity_failed", "error_caught"]
    assert plant.log[-2].message == "Activity 'ask' was not done in 10m"
    assert status(plant, one) == "completed"


def test_an_activity_in_time_has_no_timeout_any_more() -> None:
    plant, one = started(rows("{id: ask, type: message, name: go, timeout: 10m}", "{id: t, type: timer, duration: 1h}"))
    plant.do(Signal(name="go", instance_id=one))
    assert instance(plant, one).deadlines == {}
    assert plant.due()[0][1].activity_id == "t"


def test_a_process_that_takes_too_long_times_out() -> None:
    plant, one = started(rows("{id: ask, type: message, name: go}"), "timeout: 2h\n")
    assert [event.type for event in plant.fire_next()] == ["timed_out"]
    assert plant.now == START + 7_200_000
    state = instance(plant, one)
    assert (state.status, state.failure and state.failure.error) == ("timeout", "The process was not done in 2h")
    assert plant.due() == []
    assert plant.refused(Signal(name="go", instance_id=one))[1].endswith("it is timeout")


# ---- the process's own limits, incidents


def test_a_process_takes_no_more_steps_than_it_may() -> None:
    loop = rows("{id: a, type: timer, duration: 1s}", LOG % ("b", "b", ", next: a"))
    plant, one = started(loop, "max_steps: 5\n")
    while plant.state(one).status == "running":
        plant.fire_next()
    assert plant.log[-1].data["error_type"] == "too_many_steps"
    assert instance(plant, one).steps == 5


def test_an_incident_stops_the_token_only() -> None:
    branches = "{id: both, type: parallel, branches: {a: CALL, b: {id: t, type: timer, duration: 1m}}}"
    plant, one = started(rows(branches.replace("CALL", CALL % "")), "on_failure: incident\n")
    assert [event.type for event in plant.refuse(one, "call", "1.1")] == ["activity_failed", "incident_created"]
    state = instance(plant, one)
    assert (state.status, {place: wait.kind for place, wait in state.waiting.items()}) == (
        "running",
        {"t@1.2": "timer", "call@1.1": "incident"},
    )
    plant.fire_next()
    assert list(instance(plant, one).waiting) == ["call@1.1"]
    assert status(plant, one) == "running"


def test_what_others_wait_for_is_held_when_an_instance_fails() -> None:
    branches = "{id: both, type: parallel, branches: {a: CALL, b: {id: t, type: timer, duration: 1m}}}"
    plant, one = started(rows(branches.replace("CALL", CALL % "")))
    plant.refuse(one, "call", "1.1")
    state = instance(plant, one)
    assert (state.status, list(state.waiting), plant.due()) == ("failed", ["t@1.2"], [])
    assert state.failure is not None
    assert (state.failure.activity_id, state.failure.token) == ("call", "1.1")
    assert status(plant, one) == "failed"


# ---- too many steps for one command


@pytest.mark.long
def test_a_long_way_is_gone_by_several_commands() -> None:
    ways = rows(*(LOG % (f"a{number}", "x", "") for number in range(2_500)))
    plant, one = started(ways)
    plant.settle()
    types = [event.type for event in plant.log if event.subject == one]
    assert (types.count("yielded"), types.count("continued"), types[-1]) == (2, 2, "completed")
    assert types.count("activity_completed") == 2_500
    assert isinstance(plant.state(one), Finished)
    fold(plant.log)


def test_what_was_due_long_before_the_plant_came_back_is_not_asked_again() -> None:
    plant, one = started(rows(CALL % ""))
    plant.around.opened_ms = plant.now + 7 * 86_400_000
    plant.now = plant.around.opened_ms
    [failed, *_] = plant.fire_next()
    assert (failed.type, failed.data["error_type"]) == ("activity_failed", "timeout")
    assert plant.state(one).status == "failed"


def test_an_attempt_that_was_due_long_before_the_plant_came_back_is_not_made() -> None:
    plant, one = started(rows(CALL % ""))
    plant.refuse(one, "call", retryable=True)
    plant.around.opened_ms = plant.now + 7 * 86_400_000
    plant.now = plant.around.opened_ms
    [failed, *_] = plant.fire_next()
    assert (failed.type, failed.data["error_type"]) == ("activity_failed", "expired")


BROKEN_TIMER = "{id: rest, type: timer, duration: '${x.y}s', timeout: 5m%s}"


def test_what_fails_before_it_waits_has_no_deadline_when_the_owner_of_its_branch_catches_it() -> None:
    each = "{id: each, type: foreach, items: '[1]', on_error: late, next: end, activities: [%s]}" % (BROKEN_TIMER % "")
    plant, one = started(rows(each, "{id: late, type: timer, duration: 1h}"))
    assert instance(plant, one).deadlines == {}
    plant.fire_next()
    assert status(plant, one) == "completed"


def test_what_fails_before_it_waits_has_no_deadline_when_it_is_skipped_after_a_retry() -> None:
    plant, one = started(
        rows(BROKEN_TIMER % ", condition: x != 2", "{id: late, type: timer, duration: 1h, timeout: 2h}")
    )
    plant.do(SetVariables(instance_id=one, variables={"x": 2}))
    plant.do(Retry(instance_id=one))
    assert list(instance(plant, one).deadlines) == ["late"]
    plant.fire_next()
    assert status(plant, one) == "completed"


def test_branches_that_had_more_ahead_when_the_instance_failed_go_on_when_it_is_retried() -> None:
    """One has yet to begin, one is at its end: the other has failed meanwhile, in the same command."""
    inner = "{id: inner, type: parallel, join: any, branches: {c: %s}}" % (LOG % ("c", "c", ""))
    broken = "{id: a, type: timer, duration: '${x.y}s'}"
    branches = "{first: %s, ended: %s, fails: %s, later: {id: b, type: timer, duration: 1h}}"
    waits = "{id: go, type: message, name: go}"
    plant, one = started(
        rows(waits, "{id: both, type: parallel, branches: %s}" % (branches % (LOG % ("f", "f", ""), inner, broken)))
    )
    plant.do(Signal(name="go", instance_id=one))
    assert (status(plant, one), list(instance(plant, one).waiting)) == ("failed", ["b@2.4", "c@4.1"])
    plant.do(SetVariables(instance_id=one, variables={"x": {"y": 3}}))
    plant.do(Retry(instance_id=one))
    plant.settle()
    assert list(instance(plant, one).waiting) == ["a@2.3", "b@2.4"]
    plant.fire_next()
    plant.fire_next()
    assert status(plant, one) == "completed"


def test_a_branch_at_its_end_when_the_instance_failed_is_joined_when_it_is_retried() -> None:
    either = "{id: %s, type: parallel, join: any, branches: {%s: %s}}"
    inner = either % ("inner", "c", LOG % ("c", "c", ""))
    broken = "{id: deep, type: parallel, branches: {d: {id: a, type: timer, duration: '${x.y}s'}}}"
    plant, one = started(rows(f"{{id: both, type: parallel, branches: {{a: {inner}, b: {broken}}}}}"))
    assert (status(plant, one), list(instance(plant, one).waiting)) == ("failed", ["end@1.1"])
    plant.do(SetVariables(instance_id=one, variables={"x": {"y": 3}}))
    plant.do(Retry(instance_id=one))
    plant.settle()
    plant.fire_next()
    assert status(plant, one) == "completed"


FAR = ["9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]


@pytest.mark.parametrize("moment", FAR)
@pytest.mark.parametrize(
    "activity",
    [
        "{id: a, type: timer, until: '${x}'}",
        "{id: a, type: user_task, title: t, due: '${x}', escalation: [{after_due: 1d, priority: 9}]}",
    ],
)
def test_a_moment_that_nothing_can_be_counted_from_is_an_error_of_the_activity(activity: str, moment: str) -> None:
    plant, one = started(rows(activity), x=moment)
    failure = instance(plant, one).failure
    assert (failure and failure.error_type, status(plant, one)) == ("expression", "failed")
