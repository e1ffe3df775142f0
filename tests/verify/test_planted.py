"""A planted difference of each kind is found, and named: which instance, at which seq, which field."""

from typing import Any

import pytest

from streams.codec import decode_entity, encode_entity, encode_event
from streams.core.commands import Signal
from streams.core.durations import instant
from streams.core.events import Event
from streams.core.state import Finished, Key
from streams.log import Log, Span
from streams.timers import Timers
from streams.transport.port import TopicPartition
from tests.verify.site import VerifySite
from weir.verify import table
from weir.verify.report import Difference

HISTORY_CHANGES = {
    "data = jsonb_set(data, '{variables,temperature}', '31.25')": "data.variables.temperature",
    "data = jsonb_set(data, '{variables,huge}', '10000000000000000000001')": "data.variables.huge",
    "data = data - 'key'": "data.key",
    "event_type = 'failed'": "event_type",
    "activity_id = 'x'": "activity_id",
    "message = ''": "message",
    "definition_id = 'other'": "definition_id",
    "definition_version = 2": "definition_version",
    "cause = '0:99'": "cause",
    "timestamp = timestamp + interval '1 ms'": "timestamp",
}
INSTANCE_CHANGES = {
    "definition_id = 'other'": "definition_id",
    "definition_version = 2": "definition_version",
    "status = 'running'": "status",
    "status_since = now()": "status_since",
    "business_key = null": "business_key",
    "reference = 'x'": "reference",
    "current_activity = 'nap'": "current_activity",
    "variables = jsonb_set(variables, '{temperature}', '1')": "variables.temperature",
    "variables = variables || '{\"more\": null}'": "variables.more",
    "error = 'mqtt: no broker!'": "error",
    "steps = steps + 1": "steps",
    "last_seq = last_seq - 1": "last_seq",
    "updated_at = now()": "updated_at",
    "completed_at = null": "completed_at",
}
DEFINITION_CHANGES = {
    "UPDATE process_definitions SET hash = 'x'": ("definition", "version 1: hash: expected"),
    "UPDATE process_definitions SET name = 'x'": ("definition", "version 1: name: expected"),
    "UPDATE process_definitions SET created_at = now()": ("definition", "version 1: created_at: expected"),
    "UPDATE process_definitions SET definition = jsonb_set(definition, '{id}', '7')": (
        "definition",
        "version 1: definition.id: expected",
    ),
    "DELETE FROM process_definitions": ("definition-missing", "row: expected version 1"),
    "UPDATE process_definitions SET version = 2": ("definition-missing", "row: expected version 1"),
    "UPDATE process_definitions SET source = 'x'": ("definition", "version 1: source: expected"),
    "UPDATE process_definitions SET origin = '{}'": ("definition", "version 1: origin: expected"),
}
ACTIVATION_CHANGES = {
    "UPDATE definition_activations SET active = 1": ("definition", "what is active: active: expected"),
    "UPDATE definition_activations SET off = false": ("definition", "what is active: off: expected"),
    "UPDATE definition_activations SET reason = null": ("definition", "what is active: reason: expected"),
    "UPDATE definition_activations SET pruned = true": ("definition", "what is active: pruned: expected"),
    "UPDATE definition_activations SET retired = '{7}'": ("definition", "what is active: retired: expected"),
    "UPDATE definition_activations SET changed_at = now()": ("definition", "what is active: changed_at: expected"),
    "DELETE FROM definition_activations": ("definition-missing", "row: expected what is active"),
}


HELD = {"name": "n", "payload": {}, "expires_ms": 0}


async def only(site: VerifySite, name: str) -> Difference:
    """The one difference there is, about the instance ``name``."""
    (found,) = await site.differences(name)
    return found


def record(site: VerifySite, name: str) -> Any:
    """The table's record of an instance."""
    return decode_entity(site.log.contents.parts[site.home(name)][site.ids[name].encode()])


class TestTable:
    """Records of the changelog."""

    async def test_a_changed_variable(self, common_site: VerifySite) -> None:
        state = record(common_site, "timer")
        state.variables["temperature"] = 99
        await common_site.put_state("timer", common_site.ids["timer"], encode_entity(state))
        found = await only(common_site, "timer")
        assert (found.kind, found.seq) == ("table", state.seq)
        assert found.message == "variables.temperature: expected 20, but the table has 99"

    async def test_a_record_of_another_seq(self, common_site: VerifySite) -> None:
        state = record(common_site, "message")
        seq, state.seq = state.seq, state.seq - 1
        await common_site.put_state("message", common_site.ids["message"], encode_entity(state))
        found = await only(common_site, "message")
        assert (found.kind, found.seq) == ("table", seq - 1)
        assert f"seq: expected {seq}, but the table has {seq - 1}" in found.message

    async def test_a_float_is_no_integer(self, common_site: VerifySite) -> None:
        state = record(common_site, "timer")
        state.variables["temperature"] = 20.0
        await common_site.put_state("timer", common_site.ids["timer"], encode_entity(state))
        assert (await only(common_site, "timer")).message.endswith("expected 20, but the table has 20.0")

    async def test_a_deleted_record(self, common_site: VerifySite) -> None:
        await common_site.put_state("message", common_site.ids["message"], None)
        found = await only(common_site, "message")
        assert (found.kind, found.seq) == ("table-missing", record(common_site, "message").seq)
        assert found.message.startswith("record: expected an instance that is running at seq")

    async def test_a_deleted_failed_instance(self, common_site: VerifySite) -> None:
        await common_site.put_state("failed", common_site.ids["failed"], None)
        assert (await only(common_site, "failed")).kind == "table-missing"

    async def test_a_forgotten_mark_is_no_difference(self, common_site: VerifySite) -> None:
        await common_site.put_state("completed", common_site.ids["completed"], None)
        assert await common_site.differences() == []

    async def test_a_record_too_many(self, common_site: VerifySite) -> None:
        ghost = common_site.ids["timer"][:-4] + "0000"
        await common_site.put_state("timer", ghost, encode_entity(Finished(1, "completed", 7, 0)))
        (found,) = await common_site.differences()
        assert (found.kind, found.subject, found.seq) == ("table-extra", ghost, 7)

    async def test_bytes_that_are_no_record(self, common_site: VerifySite) -> None:
        await common_site.put_state("timer", common_site.ids["timer"], b"\x00")
        assert "1 bytes that are no state" in (await only(common_site, "timer")).message

    async def test_a_finished_instance_that_runs_again(self, common_site: VerifySite) -> None:
        state = record(common_site, "timer")
        await common_site.put_state("completed", common_site.ids["completed"], encode_entity(state))
        found = await only(common_site, "completed")
        assert 'record: expected "finished", but the table has "instance"' in found.message

    async def test_the_index_of_a_key(self, common_site: VerifySite) -> None:
        await common_site.put_state("timer", "key:timer", encode_entity(Key(1, "timer")))
        (found,) = await common_site.differences()
        assert (found.kind, found.subject) == ("table", "key:timer")
        assert "running.worker: expected" in found.message

    async def test_a_definition(self, common_site: VerifySite) -> None:
        home, raw = next(
            (partition, part[b"definition:worker"])
            for partition, part in common_site.log.contents.parts.items()
            if b"definition:worker" in part
        )
        versions = decode_entity(raw)
        versions.hashes[1] = "another"  # type: ignore[union-attr]
        key = next(f"k{n}" for n in range(100) if common_site.home(f"k{n}") == home)
        await common_site.put_state(key, "definition:worker", encode_entity(versions))
        (found,) = await common_site.differences()
        assert found.subject == "definition:worker"
        assert 'but the table has "another"' in found.message

    async def test_a_record_that_compaction_took_for_a_newer_one(
        self, common_site: VerifySite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the cut of the changelog and its reading."""
        name, raw = common_site.ids["timer"], encode_entity(record(common_site, "timer"))
        read = table.read_table
        newer = True

        async def compacted(log: Log, tp: TopicPartition, span: Span) -> dict[bytes, bytes]:
            found = await read(log, tp, span)
            if found.pop(name.encode(), None) is not None and newer:
                await common_site.put_state("timer", name, raw)
            return found

        monkeypatch.setattr(table, "read_table", compacted)
        assert await common_site.differences() == []
        newer = False
        assert (await only(common_site, "timer")).kind == "table-missing"

    async def test_soft_records_and_positions_are_no_fold(self, common_site: VerifySite) -> None:
        await common_site.put_state("timer", "latest:topic::timer", b"{}")
        await common_site.put_state("timer", "\x00position:topic", b"7")
        assert await common_site.differences() == []


class TestHistory:
    """Rows of ``process_history``."""

    async def test_a_deleted_row(self, common_site: VerifySite) -> None:
        await common_site.sql("DELETE FROM process_history WHERE instance_id = $1 AND seq = 2", "completed")
        found = await only(common_site, "completed")
        assert (found.kind, found.seq) == ("history-missing", 2)
        assert "expected activity_started of" in found.message

    async def test_an_added_row(self, common_site: VerifySite) -> None:
        await common_site.sql(
            "INSERT INTO process_history SELECT instance_id, 99, timestamp, event_type, activity_id, message, data, "
            "definition_id, definition_version, cause FROM process_history WHERE instance_id = $1 AND seq = 1",
            "failed",
        )
        found = await only(common_site, "failed")
        assert (found.kind, found.seq) == ("history-extra", 99)

    async def test_a_row_twice(self, common_site: VerifySite) -> None:
        await common_site.sql(
            "INSERT INTO process_history SELECT instance_id, seq, timestamp + interval '1 ms', event_type, "
            "activity_id, message, data, definition_id, definition_version, cause FROM process_history "
            "WHERE instance_id = $1 AND seq = 1",
            "failed",
        )
        found = await only(common_site, "failed")
        assert (found.kind, found.seq) == ("history-extra", 1)

    async def test_a_row_of_no_instance(self, common_site: VerifySite) -> None:
        ghost = common_site.ids["timer"][:-4] + "0000"
        await common_site.database.execute(
            "INSERT INTO process_history VALUES ($1, 3, now(), 'started', null, null, '{}', 'worker', 1, '0:0')", ghost
        )
        (found,) = await common_site.differences()
        assert (found.kind, found.subject, found.seq) == ("history-extra", ghost, 3)

    async def test_each_column(self, common_site: VerifySite) -> None:
        for change, field in HISTORY_CHANGES.items():
            async with common_site.planted("process_history"):
                await common_site.sql(
                    f"UPDATE process_history SET {change} WHERE instance_id = $1 AND seq = 1", "completed"
                )
                found = await only(common_site, "completed")
            assert (found.kind, found.seq) == ("history", 1)
            assert found.message.startswith(f"{field}: expected ")
        assert await common_site.differences() == []

    async def test_numbers_that_are_spelt_otherwise_are_no_difference(self, common_site: VerifySite) -> None:
        await common_site.sql(
            "UPDATE process_history SET data = jsonb_set(data, '{variables,huge}', '1e22') "
            "WHERE instance_id = $1 AND seq = 1",
            "completed",
        )
        assert await common_site.differences() == []


class TestInstances:
    """Rows of ``process_instances``."""

    async def test_each_column(self, common_site: VerifySite) -> None:
        for change, field in INSTANCE_CHANGES.items():
            async with common_site.planted("process_instances"):
                await common_site.sql(f"UPDATE process_instances SET {change} WHERE id = $1", "failed")
                found = await only(common_site, "failed")
            assert (found.kind, found.seq) == ("instance", record(common_site, "failed").seq)
            assert found.message.startswith(f"{field}: expected ")
        assert await common_site.differences() == []

    async def test_a_deleted_row(self, common_site: VerifySite) -> None:
        await common_site.sql("DELETE FROM process_instances WHERE id = $1", "cancelled")
        assert (await only(common_site, "cancelled")).kind == "instance-missing"

    async def test_a_row_too_many(self, common_site: VerifySite) -> None:
        ghost = common_site.ids["timer"][:-4] + "0000"
        await common_site.database.execute(
            "INSERT INTO process_instances (id, started_at, definition_id, definition_version, status, last_seq, "
            "updated_at) VALUES ($1, now(), 'worker', 1, 'running', 5, now())",
            ghost,
        )
        (found,) = await common_site.differences()
        assert (found.kind, found.subject, found.seq) == ("instance-extra", ghost, 5)

    async def test_a_row_twice(self, common_site: VerifySite) -> None:
        """The table's key is the id with the time of the start."""
        await common_site.sql(
            "INSERT INTO process_instances SELECT id, definition_id, definition_version, status, status_since, "
            "business_key, current_activity, variables, error, steps, last_seq, started_at + interval '1 s', "
            "updated_at, completed_at FROM process_instances WHERE id = $1",
            "failed",
        )
        assert (await only(common_site, "failed")).kind == "instance-extra"

    async def test_several_differences_are_told_one_by_one(self, common_site: VerifySite) -> None:
        await common_site.database.execute("UPDATE process_instances SET steps = steps + 1")
        found = await common_site.differences()
        assert {one.subject for one in found} == set(common_site.ids.values())
        assert {one.message.partition(":")[0] for one in found} == {"steps"}


class TestDefinitions:
    """Rows of ``process_definitions``."""

    async def test_each_column(self, common_site: VerifySite) -> None:
        for change, (kind, text) in DEFINITION_CHANGES.items():
            async with common_site.planted("process_definitions"):
                await common_site.database.execute(change)
                found = (await common_site.differences())[0]
            assert (found.kind, found.subject) == (kind, "definition:worker")
            assert found.message.startswith(text)
        assert await common_site.differences() == []

    async def test_what_is_active(self, common_site: VerifySite) -> None:
        for change, (kind, text) in ACTIVATION_CHANGES.items():
            async with common_site.planted("definition_activations"):
                await common_site.database.execute(change)
                found = (await common_site.differences())[0]
            assert (found.kind, found.subject) == (kind, "definition:worker")
            assert found.message.startswith(text)
        assert await common_site.differences() == []

    async def test_a_row_too_many(self, common_site: VerifySite) -> None:
        await common_site.database.execute(
            "INSERT INTO process_definitions SELECT id, 2, name, definition, hash, created_at FROM process_definitions"
        )
        (found,) = await common_site.differences()
        assert found.kind == "definition-extra"


class TestPositions:
    """The cut itself."""

    async def test_a_database_ahead_of_the_log(self, common_site: VerifySite) -> None:
        await common_site.database.execute(
            "UPDATE projection_positions SET position = 10000 WHERE topic LIKE '%events'"
        )
        found = await common_site.differences()
        assert {one.kind for one in found} == {"position"}
        assert "but the database is at 10000" in found[0].message

    async def test_a_position_that_went_back(self, common_site: VerifySite) -> None:
        await common_site.database.execute("UPDATE projection_positions SET position = 0 WHERE topic LIKE '%events'")
        found = await common_site.differences()
        assert {one.kind for one in found} == {"history-extra", "instance-extra", "incident", "rollup", "activities"}
        assert {one.subject for one in found if one.kind not in {"rollup", "activities"}} == set(
            common_site.ids.values()
        )


class TestLog:
    """Events that no processor has written."""

    async def test_a_gap(self, site: VerifySite) -> None:
        await site.plant("timer", "variable_changed", {"name": "temperature", "value": 1}, skip=3)
        found = (await site.differences("timer"))[0]
        assert (found.kind, found.seq) == ("sequence", 9)
        assert found.message == "seq: expected 6 after 5, but the log has 9 (variable_changed): a gap of 3"

    async def test_a_repeat(self, site: VerifySite) -> None:
        await site.plant("timer", "variable_changed", {"name": "temperature", "value": 1}, skip=-1)
        (found,) = await site.differences("timer")
        assert (found.kind, found.seq) == ("sequence", 5)
        assert "a repeat" in found.message

    async def test_time_that_goes_back(self, site: VerifySite) -> None:
        await site.plant("timer", "variable_changed", {"name": "temperature", "value": 1}, after_ms=-1)
        found = (await site.differences("timer"))[0]
        assert (found.kind, found.seq) == ("time", 6)

    async def test_an_event_after_the_end(self, site: VerifySite) -> None:
        await site.plant("completed", "variable_changed", {"name": "temperature", "value": 1})
        (found,) = await site.differences("completed")
        assert (found.kind, found.seq) == ("ended", record(site, "completed").seq + 1)

    async def test_an_event_after_a_failure(self, site: VerifySite) -> None:
        await site.plant("failed", "signal_received", {"name": "go", "payload": {}})
        assert (await site.differences("failed"))[0].kind == "ended"

    async def test_a_timer_that_fires_early(self, site: VerifySite) -> None:
        await site.plant("timer", "timer_fired", {"execution": 2}, "nap")
        found = (await site.differences("timer"))[0]
        assert (found.kind, found.seq) == ("timer", 6)
        assert "expected timer_fired of 'nap' at" in found.message

    async def test_a_timer_that_fires_twice(self, site: VerifySite) -> None:
        await site.plant("rested", "timer_fired", {"execution": 2}, "nap")
        found = (await site.differences("rested"))[0]
        assert found.kind == "outcome"
        assert "execution 2 of 'nap' is not: timer_fired is its second outcome" in found.message

    async def test_two_outcomes_of_a_request(self, site: VerifySite) -> None:
        await site.plant("message", "activity_completed", {"execution": 3, "output": {"command": "on"}}, "cool")
        found = (await site.differences("message"))[0]
        assert found.kind == "outcome"
        assert "execution 3 of 'cool' is not: activity_completed is its second outcome" in found.message

    async def test_an_outcome_of_another_attempt(self, site: VerifySite) -> None:
        data = {"execution": 3, "attempt": 2, "error_type": "x", "error": "y"}
        await site.plant("action", "activity_failed", data, "cool")
        found = (await site.differences("action"))[0]
        assert (found.kind, found.message.partition(":")[0]) == ("outcome", "attempt")

    async def test_an_instance_that_waits_for_nothing(self, site: VerifySite) -> None:
        await site.plant("action", "activity_completed", {"execution": 3, "output": {}}, "cool", in_table=True)
        (found,) = await site.differences("action")
        assert (found.kind, found.seq) == ("waits", record(site, "action").seq + 1)

    async def test_a_message_that_is_held_and_waited_for(self, site: VerifySite) -> None:
        await site.plant("message", "signal_received", {"name": "go", "payload": {}}, in_table=True)
        (found,) = await site.differences("message")
        assert found.kind == "waits"
        assert "expected 'approve' to take the message 'go'" in found.message

    async def test_an_instance_without_a_beginning(self, site: VerifySite) -> None:
        site.ids["ghost"] = site.ids["timer"][:-4] + "0000"
        await site.plant("ghost", "variable_changed", {"name": "temperature", "value": 1}, seq=5)
        found = await site.differences("ghost")
        assert [one.kind for one in found] == ["sequence", "fold"]

    async def test_an_instance_that_began_elsewhere(self, site: VerifySite) -> None:
        there = (site.home("timer") + 1) % 4
        site.ids["ghost"] = site.ids["timer"][:-4] + "0000"
        await site.plant("ghost", "started", {"variables": {}}, seq=1, partition=there, in_table=True)
        found = await site.differences("ghost")
        assert {one.kind for one in found} == {"home", "waits"}

    async def test_a_record_that_is_no_event(self, site: VerifySite) -> None:
        await site.put_record(site.topics.events.name, 0, b"x", b"{}")
        (found,) = await site.differences()
        assert (found.kind, found.subject) == ("record", f"{site.topics.events.name}[0]")
        assert "expected an event, but the log has" in found.message

    async def test_an_event_under_another_key(self, site: VerifySite) -> None:
        value = encode_event(Event(1, "signal_buffered", "key:a", 1, instant(0), "", 0, "0:9999", data=HELD))
        await site.put_record(site.topics.events.name, 0, b"key:b", value)
        found = await site.differences()
        assert [one.kind for one in found] == ["record", "table-missing"]
        assert "expected the key key:a, but the record has 'key:b'" in found[0].message

    async def test_an_older_command_behind_a_newer_one(self, site: VerifySite) -> None:
        home = site.home("timer")
        await site.plant("timer", "variable_changed", {"name": "temperature", "value": 1}, cause=f"{home}:0")
        found = (await site.differences("timer"))[0]
        assert (found.kind, found.seq) == ("order", 6)

    async def test_a_timer_that_was_lost(self, site: VerifySite) -> None:
        """Its partition has gone on for an hour."""
        home = site.home("timer")
        site.log._processors[home].timers = Timers()
        await site.do("timer", Signal(name="x", key="timer"), after_ms=3_600_000)
        await site.project()
        (found,) = await site.differences("timer")
        assert (found.kind, found.seq) == ("overdue", record(site, "timer").seq)
        assert found.message.startswith("due: expected the end of 'nap' at ")

    async def test_a_dead_letter_that_does_not_say_of_what(self, site: VerifySite) -> None:
        await site.put_record(site.topics.dead_letters.name, 0, b"x", b"{}")
        (found,) = await site.differences()
        assert (found.kind, found.message) == ("letter", "record: expected the header weir_topic")
