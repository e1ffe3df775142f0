"""Damage of every kind is found in a log at rest, and none in one that is whole; no broker, no database."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from streams.codec import decode_entity, encode_entity
from tests.verify.damage import PLANTED
from tests.verify.quiet_plant import QuietPlant
from weir.verify.checks import EVENT_CHECKS, LOG_CHECKS, STATE_CHECKS
from weir.verify.checks.overdue import NAME as OVERDUE
from weir.verify.history import COLUMNS, event_fields
from weir.verify.log import Checked
from weir.verify.memory import compare_database, compare_tables

CASES = [(check, name) for check, cases in PLANTED.items() for name in cases]


@pytest.fixture
def plant() -> QuietPlant:
    made = QuietPlant()
    made.story()
    return made


def test_every_check_has_damage_that_it_finds() -> None:
    assert PLANTED.keys() == {*EVENT_CHECKS, *STATE_CHECKS, *LOG_CHECKS, OVERDUE, "record"}
    assert all(PLANTED.values())


async def test_nothing_is_wrong_with_a_whole_log(plant: QuietPlant) -> None:
    checked = await plant.check()
    assert checked.differences == []
    assert compare_tables(checked.folds, plant.contents.parts, plant.now_ms) == []
    wanted = {"completed", "timer_fired", "signal_released", "action_requested", "rejections", "letters", "commands"}
    assert wanted <= checked.counts.keys()


@pytest.mark.parametrize(("check", "name"), CASES)
async def test_what_is_planted_is_found(plant: QuietPlant, check: str, name: str) -> None:
    PLANTED[check][name](plant)
    found = await plant.differences()
    assert check in {one.kind for one in found}, found


async def test_what_may_be_there_or_not_is_no_difference(plant: QuietPlant) -> None:
    """Commands and poison whose send had no answer."""
    known = plant.sent.commands.pop()
    assert known.command_id is not None
    plant.sent.uncertain |= {known.command_id, "never sent"}
    poison = plant.sent.poison.pop()
    plant.sent.poison.append(poison._replace(offset=None, uncertain=True))
    plant.sent.poison.append(poison._replace(offset=None, uncertain=True, value=b"never sent"))
    reading = plant.sent.readings.pop()
    plant.sent.readings.append(reading._replace(starts={*reading.starts, "another"}, uncertain=True))
    assert await plant.differences() == []


async def test_a_retried_dead_letter_is_a_command_of_its_own(plant: QuietPlant) -> None:
    """Retried as it is, it is buried once more."""
    poison = plant.sent.poison[0]
    plant.append(poison.topic, poison.partition, b"k", poison.value, [("weir_retry_of", b"0:1")])
    plant.work()
    assert await plant.differences() == []


async def test_commands_that_were_trimmed_are_judged_by_what_is_left(plant: QuietPlant) -> None:
    for records in plant.of(plant.topics.commands.name):
        del records[: len(records) // 2]
    plant.sent.readings.clear()
    assert await plant.differences() == []


async def test_a_table_that_is_not_the_fold(plant: QuietPlant) -> None:
    checked = await plant.check()
    partition, key, state = next(
        (partition, key, state)
        for partition, records in plant.contents.parts.items()
        for key, raw in records.items()
        if not key.startswith(b"\x00") and getattr(state := decode_entity(raw), "status", "") == "running"
    )
    state.seq -= 1
    plant.contents.parts[partition][key] = encode_entity(state)
    (found,) = compare_tables(checked.folds, plant.contents.parts, plant.now_ms)
    assert (found.kind, found.subject) == ("table", key.decode())
    del plant.contents.parts[partition][key]
    (found,) = compare_tables(checked.folds, plant.contents.parts, plant.now_ms)
    assert found.kind == "table-missing"


def rows_of(checked: Checked) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of a database that is right."""
    history, instances = [], []
    for fold in checked.folds.values():
        assert fold.histories is not None
        assert fold.rows is not None
        for subject, events in fold.histories.items():
            for event in events:
                fields: Mapping[str, Any] = event_fields(event) | {"timestamp": event.time, "seq": event.seq}
                row = {**fields, "instance_id": subject, "data": msgspec.json.encode(event.data).decode()}
                history.append({name: row[name] for name in COLUMNS})
        for row in fold.rows.values():
            columns = msgspec.structs.asdict(row)
            texts = {name: msgspec.json.encode(columns[name]).decode() for name in ("variables", "trigger")}
            instances.append(columns | texts)
    return history, instances


async def test_rows_in_memory(plant: QuietPlant) -> None:
    checked = await plant.check()
    folds = list(checked.folds.values())
    history, instances = rows_of(checked)
    assert len(instances) == checked.counts["started"]
    assert compare_database(folds, history, instances) == []
    kinds = {one.kind for one in compare_database(folds, history[1:], instances[1:])}
    assert kinds == {"history-missing", "instance-missing"}
    kinds = {one.kind for one in compare_database(folds, [*history, history[0]], [*instances, instances[0]])}
    assert kinds == {"history-extra", "instance-extra"}
    history[0]["timestamp"] += timedelta(seconds=1)
    instances[0]["status"] = "cancelled"
    found = compare_database(folds, history, instances)
    assert {one.kind for one in found} == {"history", "instance"}
    stranger = instances[0]["id"][:-4] + "0000"
    (extra,) = compare_database([], [], [instances[0] | {"id": stranger}])
    assert (extra.kind, extra.subject) == ("instance-extra", stranger)
