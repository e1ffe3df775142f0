"""What becomes of a start while others run: mode, max and cooldown for a key, concurrency for a definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.commands import (
    Cancel,
    Migrate,
    ReleaseStart,
    RequestSlot,
    Resume,
    Retry,
    ReturnSlot,
    SetVariables,
    Signal,
    StartProcess,
    Suspend,
)
from streams.core.parse import check_definition
from streams.core.schedule import Schedule
from streams.core.state import Instance, Key
from tests.core.plant import Plant, fold

MINUTE = 60_000


def text(options: str = "mode: queued", head: str = "") -> str:
    return (
        f"id: job\n{head}\ntrigger: {{type: api, {options}}}\nvariables: [{{name: n, value: 0}}]\nactivities:\n"
        "  - {id: wait, type: message, name: go}\n  - {id: note, type: service, action: log, message: done}\n"
    )


def plant_of(options: str = "mode: queued", head: str = "") -> Plant:
    return Plant(text(options, head))


def start(plant: Plant, key: str | None = "a", n: int = 0) -> str:
    started = plant.start("job", key, n=n)
    plant.settle()
    plant.now += 1
    return started


def finish(plant: Plant, instance: str) -> None:
    plant.do(Signal(name="go", instance_id=instance))
    plant.settle()


def status(plant: Plant, *instances: str) -> list[str]:
    """``running``, ``queued``, or how each has ended."""
    found = []
    for one in instances:
        state = plant.state(one)
        queued = isinstance(state, Instance) and any(wait.kind == "start" for wait in state.waiting.values())
        found.append("queued" if queued else state.status)
    return found


def key_of(plant: Plant, key: str = "a") -> Key | None:
    entity = plant.table.get(f"key:{key}")
    assert entity is None or isinstance(entity, Key)
    return entity


# Queued.


def test_a_queued_start_waits_for_the_one_before() -> None:
    plant = plant_of()
    one, two, three = (start(plant, n=n) for n in (1, 2, 3))
    assert status(plant, one, two, three) == ["running", "queued", "queued"]
    finish(plant, one)
    assert status(plant, one, two, three) == ["completed", "running", "queued"]
    finish(plant, two)
    finish(plant, three)
    assert status(plant, one, two, three) == ["completed"] * 3
    assert plant.types(two)[:3] == ["started", "start_queued start", "start_released start"]
    assert key_of(plant) is None


def test_another_key_does_not_wait() -> None:
    plant = plant_of()
    assert (
        status(plant, start(plant, "a"), start(plant, "b"), start(plant, None), start(plant, None)) == ["running"] * 4
    )


def test_who_comes_between_an_end_and_the_next_turn_waits_behind() -> None:
    plant = plant_of()
    one, two = start(plant), start(plant)
    plant.do(Signal(name="go", instance_id=one))  # the release of the second is on its way
    three = plant.start("job", "a")
    plant.settle()
    assert status(plant, one, two, three) == ["completed", "running", "queued"]


def test_a_queue_is_full_at_its_max() -> None:
    plant = plant_of("mode: queued, max: 2")
    start(plant)
    start(plant)
    reason, message = plant.refused(StartProcess(definition_id="job", key="a"))
    assert (reason, message) == ("queue_full", "job has 'max: 2', and so many instances of key 'a' run or wait")
    plant = plant_of()
    for _ in range(10):
        start(plant)
    assert plant.refused(StartProcess(definition_id="job", key="a"))[0] == "queue_full"


def test_one_that_waits_can_be_cancelled_and_the_next_has_its_turn() -> None:
    plant = plant_of()
    one, two, three = (start(plant) for _ in range(3))
    plant.do(Cancel(instance_id=two))
    plant.settle()
    finish(plant, one)
    assert status(plant, one, two, three) == ["completed", "cancelled", "running"]


def test_cancelling_the_key_cancels_the_queue() -> None:
    plant = plant_of()
    started = [start(plant) for _ in range(3)]
    plant.do(Cancel(key="a"))
    plant.settle()
    assert status(plant, *started) == ["cancelled"] * 3
    assert key_of(plant) is None


def test_the_head_that_is_cancelled_while_its_turn_comes_gives_it_to_the_next() -> None:
    plant = plant_of()
    one, two, three = (start(plant) for _ in range(3))
    plant.do(Signal(name="go", instance_id=one))
    plant.do(Cancel(instance_id=two))
    plant.settle()
    assert status(plant, one, two, three) == ["completed", "cancelled", "running"]


def test_a_signal_of_the_key_is_for_the_one_that_runs() -> None:
    plant = plant_of()
    one, two = start(plant), start(plant)
    plant.do(Signal(name="other", key="a"))
    assert [len(state.signals) for name in (one, two) if isinstance(state := plant.state(name), Instance)] == [1, 0]


def test_a_suspended_start_takes_its_turn_when_it_is_resumed() -> None:
    plant = plant_of()
    one, two = start(plant), start(plant)
    plant.do(Suspend(instance_id=two))
    finish(plant, one)
    assert status(plant, two) == ["queued"]
    plant.do(Resume(instance_id=two))
    plant.settle()
    assert status(plant, two) == ["running"]


def test_a_release_that_comes_twice_or_too_early_does_nothing() -> None:
    plant = plant_of()
    one, two = start(plant), start(plant)
    assert plant.refused(ReleaseStart(instance_id=two, behind="key"))[0] == "already_running"
    assert plant.refused(ReleaseStart(instance_id=two, behind="slots"))[0] == "not_queued"
    assert plant.refused(ReleaseStart(instance_id=one, behind="key"))[0] == "not_queued"


# Restart, parallel, single.


def test_restart_cancels_what_runs() -> None:
    plant = plant_of("mode: restart")
    one, two = start(plant), start(plant)
    assert status(plant, one, two) == ["cancelled", "running"]
    cancelled = next(event for event in plant.log if event.type == "cancelled")
    assert cancelled.data["reason"] == f"restarted as {two}"
    assert next(event.cause for event in plant.log if event.subject == two) == cancelled.cause, "one turn"


def test_a_restart_that_is_refused_cancels_nothing() -> None:
    plant = plant_of("mode: restart")
    one = start(plant)
    assert plant.refused(StartProcess(definition_id="job", key="a", variables={"m": 1}))[0] == "invalid_variables"
    assert status(plant, one) == ["running"]


def test_parallel_may_have_a_max() -> None:
    plant = plant_of("mode: parallel, max: 2")
    one = start(plant)
    start(plant)
    assert plant.refused(StartProcess(definition_id="job", key="a")) == (
        "too_many_running",
        "job has 'max: 2', and so many instances of key 'a' run",
    )
    finish(plant, one)
    start(plant)


# Cooldown.


def test_behind_a_start_its_trigger_cools_down() -> None:
    plant = plant_of("mode: parallel, cooldown: 10m")
    start(plant)
    assert plant.refused(StartProcess(definition_id="job", key="a")) == (
        "cooling_down",
        "A trigger of job cools down for key 'a' until 2013-12-10T06:35:00.000Z",
    )
    start(plant, "b")
    plant.now += 10 * MINUTE
    start(plant)


def test_a_cooldown_outlives_its_instance_and_is_forgotten_in_time() -> None:
    plant = plant_of("mode: single, cooldown: 10m")
    finish(plant, start(plant))
    assert plant.refused(StartProcess(definition_id="job", key="a"))[0] == "cooling_down"
    plant.now += 10 * MINUTE
    one = start(plant)
    plant.now += 20 * MINUTE
    finish(plant, one)
    assert key_of(plant) is None


def test_another_trigger_does_not_cool_down() -> None:
    both = text("mode: parallel").replace(
        "trigger: {type: api, mode: parallel}",
        "triggers: [{type: api, mode: parallel}, {type: timer, every: 1h, mode: parallel, cooldown: 2h}]",
    )
    plant = Plant(both)
    by_the_clock = StartProcess(definition_id="job", key="a", trigger={"type": "timer", "index": 1})
    assert plant.do(by_the_clock)
    assert plant.refused(by_the_clock)[0] == "cooling_down"
    start(plant)


def test_what_starts_by_another_trigger_is_no_start_by_hand() -> None:
    plant = plant_of("mode: parallel, cooldown: 10m")
    start(plant)
    assert plant.do(StartProcess(definition_id="job", key="a", trigger={"type": "redpanda"}))


# Concurrency.


def slots(plant: Plant) -> Schedule:
    entity = plant.table.get("schedule:job")
    assert isinstance(entity, Schedule)
    return entity


def test_a_definition_has_so_many_running_instances() -> None:
    plant = plant_of("mode: parallel", "concurrency: 2")
    started = [start(plant, key) for key in ("a", "a", None, "b")]
    assert status(plant, *started) == ["running", "running", "queued", "queued"]
    finish(plant, started[1])
    assert status(plant, *started) == ["running", "completed", "running", "queued"]
    plant.do(Cancel(instance_id=started[0]))
    plant.settle()
    assert status(plant, *started) == ["cancelled", "completed", "running", "running"]
    finish(plant, started[2])
    finish(plant, started[3])
    assert (slots(plant).running, slots(plant).waiting) == ([], [])


def test_one_that_waits_for_a_slot_and_is_cancelled_gives_its_place_back() -> None:
    plant = plant_of("mode: parallel", "concurrency: 1")
    one, two, three = (start(plant) for _ in range(3))
    plant.do(Cancel(instance_id=two))
    plant.settle()
    finish(plant, one)
    assert status(plant, one, two, three) == ["completed", "cancelled", "running"]


def test_one_that_ends_while_its_slot_is_on_its_way_returns_it() -> None:
    plant = plant_of("mode: parallel", "concurrency: 1")
    one = plant.start("job", "a")
    plant.do(Cancel(instance_id=one))  # before its request for a slot has been carried out
    plant.settle()
    assert status(plant, start(plant)) == ["running"]


def test_a_failed_instance_gives_its_slot_back() -> None:
    failing = text("mode: parallel", "concurrency: 1").replace("message: done", 'message: "${n.x}"')
    plant = Plant(failing)
    one, two = start(plant), start(plant)
    finish(plant, one)
    assert status(plant, one, two) == ["failed", "running"]


def test_what_waits_for_its_key_takes_no_slot() -> None:
    plant = plant_of("mode: queued", "concurrency: 2")
    one, two, three = start(plant, "a"), start(plant, "a"), start(plant, "b")
    assert status(plant, one, two, three) == ["running", "queued", "running"]
    finish(plant, one)
    assert status(plant, two) == ["running"]


def test_a_higher_limit_lets_more_run() -> None:
    plant = plant_of("mode: parallel", "concurrency: 1")
    one, two = start(plant), start(plant)
    plant.add(text("mode: parallel", "version: 2\nconcurrency: 3"))
    three = start(plant)
    assert status(plant, one, two, three) == ["running"] * 3


def test_slots_that_are_asked_for_or_returned_twice() -> None:
    plant = plant_of("mode: parallel", "concurrency: 1")
    one = start(plant)
    again = RequestSlot(definition_id="job", instance_id=one, limit=1)
    assert plant.refused(again)[0] == "already_requested"
    finish(plant, one)
    assert plant.refused(ReturnSlot(definition_id="job", instance_id=one))[0] == "no_slot"


@given(
    st.sampled_from(["mode: queued", "mode: queued, max: 3", "mode: parallel", "mode: restart", "mode: single"]),
    st.sampled_from(["", "concurrency: 1", "concurrency: 2"]),
    st.lists(
        st.one_of(
            st.tuples(st.just("start"), st.sampled_from(["a", "b"])),
            st.tuples(st.just("finish"), st.integers(0, 9)),
            st.tuples(st.just("cancel"), st.integers(0, 9)),
            st.tuples(st.just("settle"), st.just(0)),
        ),
        max_size=25,
    ),
)
def test_nothing_waits_for_ever_and_nobody_overtakes(
    options: str, head: str, moves: list[tuple[str, int | str]]
) -> None:
    plant = plant_of(options, head)
    for move, which in moves:
        running = [state.id for state in plant.instances()]
        if move == "start":
            plant.do(StartProcess(definition_id="job", key=str(which)))
        elif move == "finish" and running:
            plant.do(Signal(name="go", instance_id=running[int(which) % len(running)]))
        elif move == "cancel" and running:
            plant.do(Cancel(instance_id=running[int(which) % len(running)]))
        else:
            plant.settle()
        plant.now += 1
    plant.settle()
    limit = 99 if not head else int(head[-1])
    active = [state for state in plant.instances() if all(wait.kind != "start" for wait in state.waiting.values())]
    assert len(active) <= limit
    for _ in range(60):
        left = [state.id for state in plant.instances()]
        if not left:
            break
        for one in left:
            plant.do(Signal(name="go", instance_id=one))
        plant.settle()
    assert plant.instances() == []
    again = fold(plant.log)
    assert {name: again.get(name) for name in again.records} == {
        name: plant.table.get(name) for name in plant.table.records
    }
    if "queued" in options and not head:
        for key in ("a", "b"):
            of_key = [event.subject for event in plant.log if event.type == "started" and event.data["key"] == key]
            begun = [
                event.subject for event in plant.log if event.type == "message_awaited" and event.subject in of_key
            ]
            assert begun == [one for one in of_key if one in begun]


# What may be written.


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        ("trigger: {type: api, mode: single, max: 2}", "trigger.max: Expected no 'max' with 'mode: single'"),
        ("trigger: {type: api, mode: restart, max: 2}", "trigger.max: Expected no 'max' with 'mode: restart'"),
        ("trigger: {type: api, mode: queue}", "trigger.mode: Expected 'single', 'parallel', 'restart' or 'queued'"),
        (
            "triggers: [{type: api, mode: queued}, {type: timer, every: 1h}]",
            "triggers[1].mode: Expected the same 'mode'",
        ),
        (
            "triggers: [{type: api, mode: queued, max: 3}, {type: timer, every: 1h, mode: queued}]",
            "triggers[1].max: Expected the same 'max' in all triggers, but got 3 and none",
        ),
        ("concurrency: 0\ntrigger: {type: api}", "concurrency: Expected a number from 1 up"),
    ],
)
def test_a_mistake_is_told_with_its_place(trigger: str, problem: str) -> None:
    definition = f"id: x\n{trigger}\nactivities: [{{id: note, type: service, action: log, message: x}}]\n"
    _, problems = check_definition(definition)
    assert [f"{one.path}: {one.message}"[: len(problem)] for one in problems] == [problem]


# Retries.


FAILS = text("mode: MODE", "concurrency: 1\ntimeout: 1h").replace("message: done", 'message: "${n.x}"')


def failed_one(mode: str = "parallel") -> tuple[Plant, str]:
    """A plant with one slot, and an instance that has failed and given it back."""
    plant = Plant(FAILS.replace("MODE", mode))
    one = start(plant)
    finish(plant, one)
    assert status(plant, one) == ["failed"]
    return plant, one


def retried(plant: Plant, instance: str) -> list[str]:
    found = [event.type for event in plant.do(Retry(instance_id=instance, reason="again"))]
    plant.settle()
    return found


@pytest.mark.parametrize("suspended", [False, True])
def test_who_finds_no_room_among_those_that_wait_for_a_slot_fails_and_may_be_retried(*, suspended: bool) -> None:
    """It would wait for ever: nobody knows of it."""
    plant = plant_of("mode: parallel", "concurrency: 1")
    one, two = start(plant, "a"), plant.start("job", "b")
    if suspended:
        plant.do(Suspend(instance_id=two))
    plant.refuse_follow_up(RequestSlot)
    plant.settle()
    if suspended:
        assert plant.state(two).status == "suspended"
        plant.do(Resume(instance_id=two))
        plant.settle()
    assert (status(plant, one), plant.state(two).status) == (["running"], "failed")
    (failed,) = [event for event in plant.log if event.type == "failed"]
    assert failed.message == "No slot of 'job' can be waited for: full"
    assert retried(plant, two) == ["retry_queued"]
    finish(plant, one)
    assert status(plant, two) == ["running"]
    assert fold(plant.log).records == plant.table.records


def test_a_retry_that_finds_no_room_is_refused_and_can_be_asked_for_again() -> None:
    plant, one = failed_one()
    plant.do(Retry(instance_id=one))
    plant.refuse_follow_up(RequestSlot)
    plant.settle()
    assert plant.log[-1].type == "retry_refused"
    assert status(plant, one) == ["failed"]
    assert retried(plant, one) == ["retry_queued"]


def test_what_runs_already_needs_no_room_for_its_slot() -> None:
    plant = plant_of()
    one = start(plant)
    plant.add(text("mode: queued", "version: 2\nconcurrency: 1"))
    plant.do(Migrate(instance_id=one, version=2))
    plant.refuse_follow_up(RequestSlot)
    plant.settle()
    assert status(plant, one) == ["running"]


def test_a_retried_instance_waits_for_its_turn() -> None:
    plant, one = failed_one()
    two = start(plant, "b")
    assert retried(plant, one) == ["retry_queued"]
    assert status(plant, one, two) == ["failed", "running"]
    assert (slots(plant).running, slots(plant).waiting) == ([two], [one])
    three = start(plant, "c")
    assert plant.refused(Retry(instance_id=one))[0] == "already_requested"
    plant.do(SetVariables(instance_id=one, variables={"n": {"x": 1}}))
    plant.do(Cancel(instance_id=two))
    plant.settle()
    assert status(plant, one, two, three) == ["completed", "cancelled", "running"]
    (again,) = [event for event in plant.log if event.type == "retried"]
    assert (again.activity_id, again.message) == ("note", "again")
    assert fold(plant.log).records == plant.table.records


def test_a_free_slot_is_taken_at_once_and_given_back_when_it_fails_again() -> None:
    plant, one = failed_one()
    retried(plant, one)
    assert plant.types(one)[-1] == "failed note"
    assert plant.types(one).count("retried note") == 1
    assert (slots(plant).running, slots(plant).waiting) == ([], [])
    assert retried(plant, one) == ["retry_queued"], "and so on"


def test_one_that_is_cancelled_while_it_waits_to_go_on_gives_its_place_back() -> None:
    plant, one = failed_one()
    two = start(plant, "b")
    retried(plant, one)
    plant.do(Cancel(instance_id=one))
    plant.settle()
    assert (slots(plant).running, slots(plant).waiting) == ([two], [])
    plant, one = failed_one()
    plant.do(Retry(instance_id=one))
    plant.do(Cancel(instance_id=one))  # before its request for a slot has been carried out
    plant.settle()
    assert (slots(plant).running, slots(plant).waiting) == ([], [])


def test_a_retry_is_refused_when_another_runs_for_the_key_by_its_turn() -> None:
    plant, one = failed_one("single")
    two = start(plant, "b")
    retried(plant, one)
    rival = start(plant, "a")
    plant.do(Cancel(instance_id=two))
    plant.settle()
    assert status(plant, one, rival) == ["failed", "running"]
    (refused,) = [event for event in plant.log if event.type == "retry_refused"]
    assert refused.data["reason"] == "already_running"
    assert f"{rival} runs for key 'a' now" in str(refused.message)
    assert (slots(plant).running, slots(plant).waiting) == ([rival], [])
    plant.do(Cancel(instance_id=rival))
    plant.settle()
    assert retried(plant, one) == ["retry_queued"]
    assert "retried note" in plant.types(one)


@pytest.mark.parametrize("mode", ["parallel", "queued"])
def test_one_that_timed_out_while_it_waited_to_begin_begins_when_it_is_retried(mode: str) -> None:
    plant = Plant(FAILS.replace("MODE", mode))
    one, two = start(plant), start(plant)
    for _ in (one, two):
        plant.fire_next()  # the second before the first one's slot, or its key, comes to it
    plant.settle()
    assert [plant.state(each).status for each in (one, two)] == ["timeout", "timeout"]
    assert retried(plant, two) == ["retry_queued"]
    assert status(plant, two) == ["running"]
    assert plant.types(two)[-1] == "message_awaited wait"
    assert (slots(plant).running, slots(plant).waiting) == ([two], [])


def test_a_turn_to_begin_that_comes_too_late_is_nobodys() -> None:
    plant = Plant(FAILS.replace("MODE", "parallel"))
    one, two = start(plant), start(plant)
    plant.do(Cancel(instance_id=one))
    commands, plant.follow_ups = list(plant.follow_ups), type(plant.follow_ups)()
    for command in commands:
        plant.do(command)
    plant.fire_next()
    assert plant.state(two).status == "timeout"
    plant.settle()
    assert plant.last is not None
    assert (slots(plant).running, slots(plant).waiting) == ([], [])
    retried(plant, two)
    assert (status(plant, two), slots(plant).running) == (["running"], [two])


def test_a_suspended_instance_keeps_its_slot() -> None:
    plant = plant_of("mode: parallel", "concurrency: 1")
    one = start(plant)
    plant.do(Suspend(instance_id=one))
    two = start(plant)
    plant.do(Resume(instance_id=one))
    plant.settle()
    assert status(plant, one, two) == ["running", "queued"]


def migrated(plant: Plant, *instances: str) -> None:
    plant.add(text("mode: queued", "version: 2\nconcurrency: 1"))
    for one in instances:
        assert plant.do(Migrate(instance_id=one, version=2))
    plant.settle()


def test_what_runs_and_is_migrated_to_a_version_with_a_limit_has_a_slot_though_there_be_none() -> None:
    plant = plant_of()
    one, two = start(plant, "a"), start(plant, "b")
    migrated(plant, one, two)
    assert slots(plant).running == [one, two]
    three = start(plant, "c")
    finish(plant, one)
    assert status(plant, one, two, three) == ["completed", "running", "queued"]
    finish(plant, two)
    assert (status(plant, three), slots(plant).running) == (["running"], [three])
    assert fold(plant.log).records == plant.table.records


def test_one_that_ends_right_after_its_migration_returns_the_slot() -> None:
    plant = plant_of()
    one = start(plant)
    plant.add(text("mode: queued", "version: 2\nconcurrency: 1"))
    plant.do(Migrate(instance_id=one, version=2))
    plant.do(Cancel(instance_id=one))
    plant.settle()
    assert slots(plant).running == []


def test_what_has_not_begun_or_failed_asks_for_a_slot_when_it_begins_or_goes_on() -> None:
    plant = Plant(text().replace("message: done", 'message: "${10 / n}"'))
    failed, running, waiting = start(plant, "a"), start(plant, "b"), start(plant, "b")
    finish(plant, failed)
    migrated(plant, failed, running, waiting)
    assert slots(plant).running == [running]
    plant.do(SetVariables(instance_id=failed, variables={"n": 2}))
    retried(plant, failed)
    assert (status(plant, failed, waiting), slots(plant).waiting) == (["failed", "queued"], [failed])
    finish(plant, running)
    assert (status(plant, failed, waiting), slots(plant).running) == (["completed", "running"], [waiting])


def test_what_has_a_slot_keeps_it_when_it_is_migrated() -> None:
    plant = plant_of(head="concurrency: 1")
    one = start(plant)
    migrated(plant, one)
    assert slots(plant).running == [one]
