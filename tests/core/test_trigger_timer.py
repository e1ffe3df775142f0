"""The trigger ``timer``: what people may write, and when it comes."""

import pytest

from streams.core.durations import instant_text, parse_instant_ms
from streams.core.parse import check_definition, parse_definition
from streams.core.process import compile_process
from streams.core.triggers import CompiledTimer

BODY = "activities: [{id: note, type: service, action: log, message: x}]"


def text(trigger: str, variables: str = "[]") -> str:
    return f"id: x\ntrigger: {trigger}\nvariables: {variables}\n{BODY}\n"


def said(trigger: str, variables: str = "[]") -> list[str]:
    _, problems = check_definition(text(trigger, variables))
    return [f"{one.path}: {one.message}" + f" | {one.fix}" * bool(one.fix) for one in problems]


def timer(trigger: str) -> CompiledTimer:
    [found] = compile_process(parse_definition(text(trigger))).timers
    return found


def moments(trigger: str, after: str, count: int) -> list[str]:
    at, found = parse_instant_ms(after), []
    compiled = timer(trigger)
    while len(found) < count and (following := compiled.moments.next_after(at)) is not None:
        at = following
        found.append(instant_text(at).removesuffix(":00.000Z"))
    return found


@pytest.mark.parametrize("name", ["timer", "schedule", "time_schedule"])
def test_it_has_three_names(name: str) -> None:
    assert timer(f"{{type: {name}, every: 5m}}").key == "x"


def test_an_interval_counts_from_the_epoch() -> None:
    assert moments("{type: timer, every: 90m}", "2026-11-28T08:00:00Z", 2) == ["2026-11-28T09:00", "2026-11-28T10:30"]
    assert moments("{type: timer, every: 1h, offset: 10m}", "2026-11-28T08:10:00Z", 2) == [
        "2026-11-28T09:10",
        "2026-11-28T10:10",
    ]


def test_cron_goes_by_a_wall_clock() -> None:
    weekdays = '{type: timer, cron: "0 6 * * 1-5", time_zone: Europe/Berlin}'
    assert moments(weekdays, "2026-10-23T00:00:00Z", 2) == ["2026-10-23T04:00", "2026-10-26T05:00"]


def test_at_a_time_of_day_or_at_an_instant() -> None:
    twice_a_day = '{type: timer, at: ["18:30", "06:00", "06:00"], time_zone: Europe/Berlin}'
    assert moments(twice_a_day, "2026-06-01T00:00:00Z", 3) == [
        "2026-06-01T04:00",
        "2026-06-01T16:30",
        "2026-06-02T04:00",
    ]
    once = '{type: timer, at: "2026-12-24T18:00", time_zone: Europe/Berlin}'
    assert moments(once, "2026-06-01T00:00:00Z", 3) == ["2026-12-24T17:00"]
    assert moments('{type: timer, at: "2026-12-24T18:00Z"}', "2026-06-01T00:00:00Z", 3) == ["2026-12-24T18:00"]


def test_a_time_of_day_that_is_skipped_or_twice_comes_once() -> None:
    daily = '{type: timer, at: "02:30", time_zone: Europe/Berlin}'
    assert moments(daily, "2026-03-28T12:00:00Z", 2) == ["2026-03-29T01:00", "2026-03-30T00:30"]
    assert moments(daily, "2026-10-24T12:00:00Z", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]


def test_jitter_is_the_same_for_a_moment_and_differs_between_moments() -> None:
    first, again = timer("{type: timer, every: 1h, jitter: 5m}"), timer("{type: timer, every: 1h, jitter: 5m}")
    nominals = range(0, 100 * 3_600_000, 3_600_000)
    late = [first.due(nominal) - nominal for nominal in nominals]
    assert late == [again.due(nominal) - nominal for nominal in nominals]
    assert len(set(late)) > 90
    assert 0 <= min(late) < 60_000
    assert 240_000 < max(late) < 300_000
    assert timer("{type: timer, every: 1h}").due(7) == 7


def test_what_comes_at_the_same_moments_has_the_same_spec() -> None:
    one = timer('{type: timer, cron: "0 6 * * *", time_zone: Europe/Berlin, catch_up: all}')
    assert one.spec == timer('{type: timer, cron: "0 6 * * *", time_zone: Europe/Berlin}').spec
    assert one.spec != timer('{type: timer, cron: "0 6 * * *"}').spec


def test_variables_may_take_what_the_start_brings() -> None:
    sourced = said("{type: timer, every: 1h}", "[{name: at, source: nominal}, {name: late, source: actual}]")
    assert [one for one in sourced if "Nothing reads" not in one] == []
    assert said("{type: timer, every: 1h}", "[{name: at, source: nominl}]") == [
        (
            "variables[at].source: Expected the source of variable 'at' to be one of what the triggers bring"
            " | Did you mean 'nominal'?"
        )
    ]
    assert said("{type: api}", "[{name: at, source: nominal}]") == [
        (
            "variables[at].source: Variable 'at' has a 'source', but no trigger brings readings | "
            "Remove 'source', so that the start gives the variable, or add a trigger of type redpanda"
        )
    ]


def test_catching_up_all_one_at_a_time_is_a_warning() -> None:
    warning = (
        "trigger.catch_up: All moments that were missed come at once, and with 'mode: single' one of them counts"
        " | Write 'mode: queued' or 'mode: parallel', or 'catch_up: last'"
    )
    assert said("{type: timer, every: 1h, catch_up: all}") == [warning]
    assert said("{type: timer, every: 1h, catch_up: all, mode: queued}") == []


MISTAKES = {
    "": "type: Expected one of 'every', 'cron' and 'at', but got none of them",
    'every: 5m, at: "06:00"': "at: Expected one of 'every', 'cron' and 'at', but got 'every' and 'at'",
    "every: 500ms": "every: Expected an interval of at least 1s, but got 500 ms",
    "every: 5m, offset: 5m": "offset: Expected 'offset' beside 'every', and below it",
    'at: "06:00", offset: 5m': "offset: Expected 'offset' beside 'every', and below it",
    "every: 5m, jitter: 5m": "jitter: Expected 'jitter' below 5m, the shortest time between two moments",
    'cron: "0,10 6 * * *", jitter: 10m': "jitter: Expected 'jitter' below 10m, the shortest time between two moments",
    "every: 5m, time_zone: Asia/Tokyo": "time_zone: Expected no 'time_zone' beside 'every'",
    'at: "06:00", time_zone: Asia/Tokio': "time_zone: Unknown time zone 'Asia/Tokio' | Did you mean 'Asia/Tokyo'?",
    'cron: "0 25 * * *"': "cron: Expected a cron expression, but got '0 25 * * *': bad hour | Write five fields",
    "at: soon": "at[0]: Expected a time of day such as '06:00', or a date and time such as '2026-12-24T18:00', but got",
    'at: "2026-12-24"': "at[0]: Expected a time of day",
    'at: "2026"': "at[0]: Expected a time of day",
    'at: "06:00+01:00"': "at[0]: Expected a time of day",
    'at: ["06:00", "2026-12-24T18:00"]': "at: Expected either times of day or dates and times under 'at'",
    "at: []": "at: Expected at least one element",
    "every: 5m, catch_up: some": "catch_up: Expected 'none', 'last' or 'all', but got 'some'",
    "every: 5m, max_catch_up: 101": "max_catch_up: Expected a number up to 100, but got 101",
    "every: 5m, kron: x": "kron: Unknown field 'kron' | Did you mean 'cron'?",
}


@pytest.mark.parametrize(("fields", "problem"), MISTAKES.items())
def test_a_mistake_is_told_with_its_place(fields: str, problem: str) -> None:
    [found] = said(f"{{type: timer, {fields}}}")
    assert found.startswith(f"trigger.{problem}")


def test_the_canonical_form_says_the_same() -> None:
    definition = parse_definition(text('{type: schedule, at: "06:00", time_zone: Europe/Berlin, max_age: 1h}'))
    written = definition.model_dump(mode="json")
    assert written["triggers"] == [{"type": "timer", "at": ["06:00"], "time_zone": "Europe/Berlin", "max_age": "1h"}]
    assert type(definition).model_validate(written) == definition
