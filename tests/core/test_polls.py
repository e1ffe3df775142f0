"""The trigger ``database``: what is asked, and that each row starts once, whatever the answers do."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.actions.database_query import VERBS
from streams.core.actions.sql import parse_statement
from streams.core.commands import (
    ActivateDefinition,
    CompleteActivity,
    DeactivateDefinition,
    DeployDefinition,
    FailActivity,
)
from streams.core.durations import instant_text, parse_instant_ms
from streams.core.events import Event
from streams.core.parse import check_definition
from streams.core.schedule import Poll, Schedule
from tests.core.plant import Plant, fold


def text(options: str = "", version: int = 1, watermark: str = "id", variables: str = "{name: n, source: n}") -> str:
    return (
        f"id: orders\nversion: {version}\n"
        f'trigger: {{type: database, query: "SELECT * FROM orders", watermark: {watermark}, every: 1m{options}}}\n'
        f"variables: [{variables}]\nactivities: [{{id: note, type: service, action: log, message: x}}]\n"
    )


def deploy(plant: Plant, definition: str) -> None:
    process = plant.add(definition)
    plant.do(DeployDefinition(definition=process.definition.model_dump(mode="json")))
    plant.settle()


def deployed(options: str = ", start: beginning", **more: Any) -> Plant:
    plant = Plant()
    deploy(plant, text(options, **more))
    return plant


def ask(plant: Plant) -> Event:
    """Let the time of the next poll come."""
    [event] = plant.fire_next()
    return event


def answer(plant: Plant, *rows: dict[str, Any], more: bool = False) -> list[Event]:
    """The worker's answer to what was asked last."""
    asked = [event for event in plant.log if event.type == "rows_requested"][-1]
    output = {"rows": [dict(row) for row in rows], "count": len(rows), "more": more}
    command = CompleteActivity(
        instance_id=asked.subject,
        activity_id=asked.activity_id or "",
        execution=asked.data["execution"],
        attempt=1,
        output=output,
    )
    return plant.do(command) + plant.settle()


def refuse(plant: Plant, error_type: str = "unavailable") -> list[Event]:
    asked = [event for event in plant.log if event.type == "rows_requested"][-1]
    command = FailActivity(
        instance_id=asked.subject,
        activity_id=asked.activity_id or "",
        execution=asked.data["execution"],
        attempt=1,
        error_type=error_type,
        error="nobody is there",
    )
    return plant.do(command)


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "n": number, "weir_mark_1": str(number), **more}


def poll_of(plant: Plant) -> Poll:
    entity = plant.table.get("schedule:orders")
    assert isinstance(entity, Schedule)
    return entity.polls["0"]


def started(plant: Plant) -> list[Any]:
    return [event.data["variables"]["n"] for event in plant.log if event.type == "started"]


def test_the_rows_behind_the_watermark_are_asked_for_in_order() -> None:
    plant = deployed(', start: beginning, limit: 3, key: "device"', watermark="[at, id]")
    first = ask(plant)
    assert (first.type, first.subject, first.activity_id, first.data["action"]) == (
        *("rows_requested", "schedule:orders", "0"),
        "database_query",
    )
    assert first.data["config"] == {
        "query": 'SELECT polled.*, polled."at"::text AS weir_mark_1, polled."id"::text AS weir_mark_2 FROM (\n'
        "SELECT * FROM orders\n"
        ') AS polled WHERE polled."at" IS NOT NULL AND polled."id" IS NOT NULL ORDER BY polled."at", polled."id"',
        "params": {},
        "limit": 3,
    }
    answer(plant, {"device": "d", "n": 1, "weir_mark_1": "2026-01-01 00:00:00+00", "weir_mark_2": "7"})
    config = ask(plant).data["config"]
    assert 'AND (polled."at", polled."id") > (:weir_mark_1, :weir_mark_2) ORDER BY' in config["query"]
    assert config["params"] == {"weir_mark_1": "2026-01-01 00:00:00+00", "weir_mark_2": "7"}


def test_each_row_starts_an_instance() -> None:
    plant = deployed(', start: beginning, key: "device"')
    ask(plant)
    events = answer(plant, row(1, device="a"), row(2, device="b"), row(3, device=None))
    assert [event.type for event in events if event.type in {"rows_received", "started"}] == [
        "rows_received",
        *["started"] * 3,
    ]
    assert [event.data["key"] for event in events if event.type == "started"] == ["a", "b", None]
    assert [event.data["trigger"] for event in events if event.type == "started"] == [
        {"type": "database", "index": 0, "watermark": [str(number)]} for number in (1, 2, 3)
    ]
    assert poll_of(plant).watermark == ["3"]
    assert instant_text(plant.due()[0][0]) == "2013-12-10T06:26:00.000Z"


def test_where_there_are_more_the_next_poll_follows_at_once() -> None:
    plant = deployed()
    ask(plant)
    answer(plant, row(1), more=True)
    assert plant.due()[0][0] == plant.now


def test_an_empty_answer_changes_nothing() -> None:
    plant = deployed()
    ask(plant)
    answer(plant)
    assert (poll_of(plant).watermark, poll_of(plant).begun) == (None, True)
    ask(plant)
    answer(plant, row(1))
    ask(plant)
    answer(plant)
    assert (poll_of(plant).watermark, started(plant)) == (["1"], [1])


def test_with_start_now_what_is_there_starts_nothing() -> None:
    plant = deployed("")
    config = ask(plant).data["config"]
    assert config["query"].startswith('SELECT polled."id"::text AS weir_mark_1 FROM (')
    assert config["query"].endswith('ORDER BY polled."id" DESC')
    assert config["limit"] == 1
    answer(plant, {"weir_mark_1": "41"}, more=True)
    assert (started(plant), poll_of(plant).watermark) == ([], ["41"])
    assert plant.due()[0][0] > plant.now, "more older ones are no reason to ask again"
    ask(plant)
    answer(plant, row(42))
    assert started(plant) == [42]


def test_with_start_now_on_an_empty_table_the_first_row_starts() -> None:
    plant = deployed("")
    ask(plant)
    answer(plant)
    assert "DESC" not in ask(plant).data["config"]["query"]
    answer(plant, row(1))
    assert started(plant) == [1]


def test_an_answer_counts_once() -> None:
    plant = deployed()
    ask(plant)
    answer(plant, row(1))
    assert answer(plant, row(1)) == []
    assert plant.last is not None
    assert plant.last.rejection is not None
    assert plant.last.rejection.reason == "not_awaited"
    assert started(plant) == [1]


def test_a_failed_poll_is_asked_again_later_and_later() -> None:
    plant = deployed()
    pauses = []
    for _ in range(9):
        ask(plant)
        [failed] = refuse(plant)
        assert failed.type == "rows_failed"
        pauses.append(parse_instant_ms(failed.data["due"]) - plant.now)
    assert pauses == sorted(pauses)
    assert max(pauses) <= 60_000
    ask(plant)
    answer(plant, row(1))
    assert (started(plant), poll_of(plant).failures) == ([1], 0)


def test_a_poll_without_an_answer_is_given_up_and_a_late_answer_refused() -> None:
    plant = deployed()
    ask(plant)
    late = plant.log[-1]
    [given_up] = plant.fire_next()
    assert (given_up.type, given_up.data["error_type"]) == ("rows_failed", "timeout")
    ask(plant)
    command = CompleteActivity(
        instance_id=late.subject,
        activity_id="0",
        execution=late.data["execution"],
        attempt=1,
        output={"rows": [row(1)]},
    )
    assert plant.refused(command)[0] == "not_awaited"
    answer(plant, row(1))
    assert started(plant) == [1]


def test_rows_that_are_too_large_together_come_one_after_the_other() -> None:
    plant = deployed(", start: beginning, limit: 4")
    ask(plant)
    refuse(plant, "answer_too_large")
    assert ask(plant).data["config"]["limit"] == 2
    refuse(plant, "answer_too_large")
    assert ask(plant).data["config"]["limit"] == 1
    answer(plant, row(1), more=True)
    assert ask(plant).data["config"]["limit"] == 1
    answer(plant, row(2))
    assert ask(plant).data["config"]["limit"] == 4
    assert started(plant) == [1, 2]


def test_rows_with_the_same_watermark_are_refused() -> None:
    plant = deployed()
    ask(plant)
    [failed] = answer(plant, row(1), row(1))
    assert failed.data["error_type"] == "watermark_not_unique"
    assert failed.data["error"] == "Expected id to be unique, but several rows have the same. Add another column"
    assert started(plant) == []


def test_an_answer_that_is_none_fails_the_poll() -> None:
    plant = deployed()
    ask(plant)
    [failed] = answer(plant, {"id": 1})
    assert failed.data["error_type"] == "invalid_output"


@pytest.mark.parametrize("move", [ask, answer, refuse])
def test_a_version_that_is_gone_stops_the_polls(move: Callable[[Plant], Any]) -> None:
    plant = deployed()
    if move is not ask:
        ask(plant)
    plant.processes.clear()
    move(plant)
    assert plant.log[-1].type == "schedule_stopped"
    assert plant.due() == []


def test_answers_to_polls_of_nothing_are_refused() -> None:
    plant = Plant()
    gone = {"instance_id": "schedule:none", "activity_id": "0", "execution": 1, "attempt": 1}
    assert plant.refused(CompleteActivity(**gone))[0] == "not_awaited"
    assert plant.refused(FailActivity(**gone, error_type="x", error="y"))[0] == "not_awaited"


def test_a_row_that_does_not_fit_is_passed_over() -> None:
    plant = deployed(variables="{name: n, source: n, type: integer}")
    ask(plant)
    events = answer(plant, row(1), row(2, n="two"), row(3))
    [skipped] = [event for event in events if event.type == "row_skipped"]
    assert (skipped.data["watermark"], skipped.data["reason"]) == (["2"], "invalid_variables")
    assert started(plant) == [1, 3]


def test_a_new_version_goes_on_behind_the_watermark() -> None:
    plant = deployed()
    ask(plant)
    answer(plant, row(1))
    deploy(plant, text(", limit: 7", 2))
    assert ask(plant).data["config"]["params"] == {"weir_mark_1": "1"}
    answer(plant, row(2))
    assert started(plant) == [1, 2]


def test_a_new_version_takes_the_answer_to_what_the_old_one_asked() -> None:
    plant = deployed()
    ask(plant)
    deploy(plant, text(", start: beginning, limit: 7", 2))
    answer(plant, row(1))
    assert started(plant) == [1]


def test_a_new_version_with_another_watermark_begins_anew() -> None:
    plant = deployed()
    ask(plant)
    answer(plant, row(5))
    ask(plant)
    deploy(plant, text(", start: beginning", 2, watermark="at"))
    assert answer(plant, row(6)) == []
    ask(plant)
    assert "params" in plant.log[-1].data["config"]
    assert plant.log[-1].data["config"]["params"] == {}


def test_what_came_while_it_was_deactivated_starts_when_it_is_activated() -> None:
    plant = deployed()
    ask(plant)
    answer(plant, row(1))
    plant.do(DeactivateDefinition(definition_id="orders"))
    plant.settle()
    assert plant.due() == []
    plant.do(ActivateDefinition(definition_id="orders"))
    plant.settle()
    assert ask(plant).data["config"]["params"] == {"weir_mark_1": "1"}


@given(
    st.sampled_from(["", ", start: beginning"]),
    st.lists(st.sampled_from(["insert", "ask", "answer", "fail", "late", "deploy", "wait", "off"]), max_size=40),
    st.integers(1, 3),
)
def test_every_row_starts_once_in_order(start: str, moves: list[str], limit: int) -> None:  # noqa: C901
    """The table only grows; polls are asked, answered from what is there, answered twice, lost and given up."""
    plant = deployed(f"{start}, limit: {limit}")
    table, version, begun_at = 0, 1, None
    asked: list[tuple[Event, list[dict[str, Any]], bool]] = []

    def read(event: Event) -> tuple[list[dict[str, Any]], bool]:
        config = event.data["config"]
        if "DESC" in config["query"]:
            return ([{"weir_mark_1": str(table)}] if table else []), table > 1
        rows = list(range(int(config["params"].get("weir_mark_1", 0)) + 1, table + 1))
        return [row(one) for one in rows[: config["limit"]]], len(rows) > config["limit"]

    for move in [*moves, *["ask", "answer"] * 50]:
        if move == "insert":
            table += 1
        elif move == "ask" and plant.due():
            asked += [(event, *read(event)) for event in plant.fire_next() if event.type == "rows_requested"]
        elif move in {"answer", "late"} and asked:
            event, rows, more = asked[-1 if move == "answer" else 0]
            fresh = start == "" and begun_at is None
            command = CompleteActivity(
                instance_id=event.subject, activity_id="0", execution=event.data["execution"], attempt=1,
                output={"rows": [dict(one) for one in rows], "more": more},
            )  # fmt: skip
            if plant.do(command) and fresh:
                begun_at = int(rows[-1]["weir_mark_1"]) if rows else 0
            plant.settle()
        elif move == "fail" and asked:
            refuse(plant)
        elif move == "deploy":
            version += 1
            deploy(plant, text(f"{start}, limit: {limit}", version))
        elif move == "off":
            plant.do(DeactivateDefinition(definition_id="orders"))
            plant.do(ActivateDefinition(definition_id="orders"))
            plant.settle()
        elif move == "wait":
            plant.now += 7_000
    assert started(plant) == list(range((begun_at or 0) + 1, table + 1))
    again = fold(plant.log)
    assert again.get("schedule:orders") == plant.table.get("schedule:orders")


MISTAKES = {
    "query: SELECT 1, watermark: id, every: 500ms": "every: Expected an interval of at least 1s, but got 500 ms",
    "query: SELECT 1, watermark: [], every: 1m": "watermark: Expected at least one column, but the list is empty",
    "query: DELETE FROM x, watermark: id, every: 1m": "query: Expected a statement that begins with SELECT",
    'query: "SELECT $1", watermark: id, every: 1m': "query: Expected parameters such as :name in the query, but got $1",
    'query: "SELECT :a", watermark: id, every: 1m': "params: ",
    "query: SELECT 1, every: 1m": ": Expected a field 'watermark', but it is missing",
    'query: SELECT 1, watermark: "a b", every: 1m': "watermark[0]: Expected a name of letters",
}


@pytest.mark.parametrize(("fields", "problem"), MISTAKES.items())
def test_a_mistake_is_told_with_its_place(fields: str, problem: str) -> None:
    log = "activities: [{id: a, type: service, action: log, message: x}]"
    definition = f"id: x\ntrigger: {{type: database, {fields}}}\n{log}\n"
    _, problems = check_definition(definition)
    [found] = [f"{one.path}: {one.message}" for one in problems]
    assert found.startswith(f"trigger{problem}" if problem.startswith(":") else f"trigger.{problem}")


@pytest.mark.parametrize("end", ["", ";", "; -- newest last", " /* of all */ ; /* halls */"])
def test_a_query_may_end_as_any_statement_does(end: str) -> None:
    plant = Plant()
    deploy(plant, text(", start: beginning").replace("SELECT * FROM orders", f"SELECT * FROM orders{end}"))
    query = ask(plant).data["config"]["query"]
    assert parse_statement(query, VERBS).verb == "SELECT"
    assert query.startswith('SELECT polled.*, polled."id"::text AS weir_mark_1 FROM (\nSELECT * FROM orders')
