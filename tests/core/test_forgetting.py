"""Keys and correlation keys that hold nothing any more leave the table; those that hold something stay."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import encode_entity
from streams.core.commands import Cancel, PublishMessage, Signal, StartProcess
from streams.core.decide.signal import HELD_MS
from streams.core.due import idle_from
from streams.core.mailbox import Mailbox, mailbox_entity
from streams.core.state import Finished, HeldSignal, Key, key_entity
from tests.core.plant import START, Plant, fold

HOUR = 3_600_000
PROCESSES = """
id: order
version: 1
trigger: {type: api, cooldown: 10m}
variables: [{name: number, required: true}, {name: paid}]
activities:
  - {id: wait, type: message, name: paid, correlation: number, output: paid}
  - {id: told, type: service, action: log, config: {message: "${paid.amount}"}}
"""
TOLD = """
id: told
version: 1
trigger: {type: message, name: told}
variables: [{name: text, source: payload.text}]
activities: [{id: say, type: service, action: log, config: {message: "${text}"}}]
"""


def kept(plant: Plant) -> set[str]:
    """Of the table, all but the marks of instances that have finished."""
    return {name for name in plant.table.records if not isinstance(plant.table.get(name), Finished)}


def expire_all(plant: Plant) -> None:
    while plant.due():
        plant.fire_next()
        plant.settle()


def test_after_many_short_processes_the_table_holds_what_runs() -> None:
    plant = Plant(PROCESSES, TOLD)
    running = plant.start("order", "open", number="open")
    plant.settle()
    before = kept(plant)
    assert before == {running, key_entity("open"), mailbox_entity("open")}
    for n in range(50):
        key = f"k{n}"
        plant.do(Signal(name="paid", key=key, payload={"amount": n}))
        plant.do(PublishMessage(name="told", correlation_key=key, payload={"text": "hello"}))
        plant.do(PublishMessage(name="paid", correlation_key=key, payload={"amount": n}, message_id=f"m{n}"))
        plant.do(PublishMessage(name="nobody's", correlation_key=key, payload={}))
        plant.do(StartProcess(definition_id="order", key=key, variables={"number": key}))
        plant.settle()
    assert len(kept(plant)) > 100
    plant.now += 2 * HELD_MS
    while plant.due()[0][0] <= plant.now:
        plant.fire_next()
    assert kept(plant) == before
    assert fold(plant.log).records == plant.table.records


def test_a_correlation_key_leaves_with_the_last_that_it_held() -> None:
    plant = Plant(PROCESSES)
    plant.start("order", None, number="A")
    plant.settle()
    events = plant.do(PublishMessage(name="paid", correlation_key="A", payload={"amount": 1}))
    assert [event.type for event in events] == ["message_correlated", "mailbox_forgotten"]
    assert mailbox_entity("A") not in plant.table.records


def test_a_message_that_may_come_twice_is_known_as_long_as_it_was() -> None:
    plant = Plant(PROCESSES)
    plant.start("order", None, number="A")
    plant.settle()
    message = PublishMessage(name="paid", correlation_key="A", payload={"amount": 1}, message_id="m", ttl_ms=HOUR)
    plant.do(message)
    plant.now += HOUR - 1
    assert plant.refused(message)[0] == "duplicate_message"
    plant.settle()
    (due, timer) = plant.due()[0]
    assert due == plant.now + 1
    plant.now = due
    assert [event.type for event in plant.do(timer)] == ["mailbox_forgotten"]
    assert [event.seq for event in plant.do(message)] == [1], "a new life"


def test_a_cooldown_keeps_its_key() -> None:
    plant = Plant(PROCESSES)
    instance = plant.start("order", "a", number="A")
    plant.do(Cancel(instance_id=instance))
    start = StartProcess(definition_id="order", key="a", variables={"number": "A"})
    assert plant.refused(start)[0] == "cooling_down"
    assert key_entity("a") in plant.table.records
    plant.settle()
    plant.fire_next()
    assert key_entity("a") not in plant.table.records
    assert plant.do(start)


def test_a_signal_that_nobody_takes_goes_in_its_time() -> None:
    plant = Plant(PROCESSES)
    plant.do(Signal(name="paid", key="a"))
    plant.do(Signal(name="paid", key="a"), after_ms=1000)
    assert [event.type for event in plant.fire_next()] == ["signal_expired", "signal_expired", "key_forgotten"]
    assert (plant.now, kept(plant)) == (START + HELD_MS + 1000, set())


@pytest.mark.parametrize(
    ("entity", "idle"),
    [
        (Key(1, "k", 3, 7), 7),
        (Key(1, "k", 3, 7, {"order": ["i"]}), None),
        (Key(1, "k", 3, 7, queued={"order": ["i"]}), None),
        (Key(1, "k", 3, 7, cooldowns={"order/0": 9}, signals=[HeldSignal("s", {}, expires=8)]), 9),
        (Key(1, "k", 3, 7, signals=[HeldSignal("s", {})]), None),
        (Mailbox(1, "k", 3, 7), 7),
        (Mailbox(1, "k", 3, 7, known={"m": 9}), 9),
    ],
)
def test_from_when_on_there_is_nothing(entity: Key | Mailbox, idle: int | None) -> None:
    assert idle_from(entity) == idle


@pytest.mark.parametrize("entity", [Key(1, "k", 3, START), Mailbox(1, "k", 3, START)])
def test_what_an_earlier_weir_has_left_is_let_go_at_once(entity: Key | Mailbox) -> None:
    plant = Plant()
    name = key_entity("k") if isinstance(entity, Key) else mailbox_entity("k")
    plant.table.records[name] = encode_entity(entity)
    (event,) = plant.fire_next()
    assert (event.type.endswith("_forgotten"), event.seq, kept(plant)) == (True, 4, set())


moves = st.one_of(
    st.tuples(st.sampled_from(["start", "signal", "publish", "cancel", "told"]), st.sampled_from("ab")),
    st.tuples(st.sampled_from(["fire", "settle"]), st.just("")),
)


@given(st.lists(moves, max_size=25))
def test_nothing_is_left_of_what_has_ended(steps: list[tuple[str, str]]) -> None:
    plant = Plant(PROCESSES, TOLD)
    for number, (move, key) in enumerate(steps):
        plant.now += 60_000
        match move:
            case "start":
                plant.do(StartProcess(definition_id="order", key=key, variables={"number": key}))
            case "signal":
                plant.do(Signal(name="paid", key=key, payload={"amount": 1}))
            case "publish" | "told":
                name = "paid" if move == "publish" else "told"
                payload = {"amount": 1, "text": "x"}
                message = PublishMessage(name=name, correlation_key=key, payload=payload, message_id=f"m{number // 2}")
                plant.do(message)
            case "cancel":
                plant.do(Cancel(key=key))
            case "fire" if plant.due():
                plant.fire_next()
            case "settle":
                plant.settle()
    plant.settle()
    for state in plant.instances():
        plant.do(Cancel(instance_id=state.id))
    plant.settle()
    expire_all(plant)
    assert kept(plant) == set()
    assert fold(plant.log).records == plant.table.records


def test_the_golden_history_has_a_second_life() -> None:
    lines = (Path(__file__).parents[1] / "golden" / "forgotten.v1.jsonl").read_text().splitlines()
    assert sum('"message:A"' in line and '"seq":1,' in line for line in lines) == 2
