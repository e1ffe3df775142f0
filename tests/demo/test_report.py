"""The demo's report: what is compared with what, and what a failing check leads to."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from weir.cli import demo as command
from weir.cli.main import app
from weir.demo.follow import Tally
from weir.demo.machines import Commanded
from weir.demo.plan import Plan
from weir.demo.report import Latency, Report, Seen, about, between, latency, make_report
from weir.demo.results import Counts, Start
from weir.demo.series import Reading, Series
from weir.verify.report import Difference
from weir.verify.report import Report as Verified

KEYS = {
    *("readings", "instances_started", "instances_completed", "cooling_commands", "escalations", "history_rows"),
    *("seconds", "reading_to_command_ms", "verify"),
}
MINUTE = timedelta(minutes=1)


def series(device_id: str, *values: float) -> Series:
    begin = datetime(2024, 1, 1)  # noqa: DTZ001 - a file's own words
    readings = [Reading(str(begin + 5 * n * MINUTE), begin + 5 * n * MINUTE, value) for n, value in enumerate(values)]
    return Series(device_id, tuple(readings))


def a_run(tick_s: float = 0.1, **changes: int) -> tuple[Plan, Seen]:
    """Two machines of six readings: the first starts two instances (one cools), the second is never hot."""
    plan = Plan([series("one", 80, 95, 80, 95, 95, 80), series("two", 70, 71, 72, 73, 74, 75)], 90.0, tick_s)
    numbers = {
        "readings": 12,
        "started": 2,
        "completed": 2,
        "running": 0,
        "cooled": 1,
        "escalated": 1,
        "history_rows": 30,
        "with_gaps": 0,
        "out_of_step": 0,
    }
    starts = [Start("one", "t1", 7 * MINUTE), Start("one", "t3", 6 * MINUTE)]
    commanded = [Commanded(1040.0, "one", "activate_cooling"), Commanded(1260.0, "one", "activate_cooling")]
    published = {("one", "t1"): 1000.0, ("one", "t3"): 1200.0}
    verified = Verified(instances=2, events=30, partitions=4)
    return plan, Seen(Counts(**numbers | changes), starts, Tally(events=30), published, commanded, verified)


def failing(report: Report) -> list[str]:
    return [check.what for check in report.checks if not check.ok]


def test_a_run_as_it_should_be():
    report = make_report(*a_run(), seconds=61.25)
    assert failing(report) == []
    document = report.document()
    assert set(document) == KEYS
    assert document["reading_to_command_ms"] == {"p50": 50.0, "max": 60.0}
    assert document["verify"] == {"ok": True, "instances": 2, "events": 30}
    assert (document["readings"], document["cooling_commands"], document["escalations"]) == (12, 2, 1)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"readings": 11}, ["readings in"]),
        ({"completed": 1}, ["instances completed"]),
        ({"history_rows": 29}, ["history rows"]),
        ({"with_gaps": 1}, ["instances whose events have gaps"]),
        ({"out_of_step": 1}, ["instances out of step with their history"]),
        ({"escalated": 3}, ["escalated"]),
        ({"cooled": 3}, ["cooled"]),
    ],
)
def test_each_check_can_fail(changes, what):
    assert failing(make_report(*a_run(**changes), seconds=1.0)) == what


def test_a_machine_that_is_never_hot_must_start_nothing():
    plan, seen = a_run()
    seen.starts.append(Start("two", "t1", MINUTE))  # type: ignore[attr-defined]
    seen.published["two", "t1"] = 0.0
    assert "instances of two, never hot" in failing(make_report(plan, seen, 1.0))


def test_a_difference_makes_the_demo_fail():
    plan, seen = a_run()
    found = Difference("table", "key:one", 3, "running: expected …")
    report = make_report(plan, replace(seen, verified=Verified(2, 30, 4, [found])), 1.0)
    assert failing(report) == ["differences of log, table and database"]
    assert report.document()["verify"]["ok"] is False
    (check,) = [check for check in report.checks if not check.ok]
    assert check.expected == "0 (key:one, seq 3: running: expected …)"


def test_fast_ticks_are_held_between_bounds():
    plan, seen = a_run(tick_s=0.02)
    report = make_report(plan, seen, 1.0)
    (started,) = [check for check in report.checks if check.what == "instances started"]
    assert (started.expected, started.ok) == (
        "2 to 2",
        True,
    )  # the slowest took 7 minutes: one reading missed, as always
    slow = replace(seen, starts=[Start("one", "t1", 21 * MINUTE)])
    (started,) = [check for check in make_report(plan, slow, 1.0).checks if check.what == "instances started"]
    assert started.expected == "1 to 2"


def test_a_computer_that_is_too_slow_for_the_tick_is_held_between_bounds():
    plan, seen = a_run()
    slow = replace(seen, starts=[Start("one", "t1", 11 * MINUTE), Start("one", "t3", 6 * MINUTE)])
    (started,) = [check for check in make_report(plan, slow, 1.0).checks if check.what == "instances started"]
    assert (started.expected, started.ok) == ("2 to 2", True)


@pytest.mark.parametrize(
    ("tick_s", "answer_s", "fixed", "slower_s"),
    [
        (0.1, 0.05, False, None),
        (0.1, 0.06, False, 0.2),
        (0.1, 0.27, False, 0.3),
        (0.3, 0.16, False, 0.6),
        (0.1, 9.0, False, 2.0),
        (2.0, 9.0, False, None),
        (0.1, 0.06, True, None),
    ],
)
def test_a_plan_is_played_as_fast_as_the_plant_answers(tick_s, answer_s, fixed, slower_s):
    plan = Plan([series("one", 80)], 90.0, tick_s, fixed=fixed)
    assert plan.slower(answer_s) == (None if slower_s is None else replace(plan, tick_s=slower_s))


def test_tolerances():
    assert about("", 105, 100, 100).ok
    assert not about("", 106, 100, 100).ok
    assert about("", 1, 2, 2).ok
    assert not about("", 1, 0, 0).ok
    assert between("", 48, 50, 60).ok
    assert not between("", 64, 50, 60).ok


def test_latency_pairs_each_machines_commands_with_its_instances():
    published = {("a", "t"): 100.0, ("b", "t"): 110.0, ("a", "u"): 200.0}
    commanded = [Commanded(130.0, "b", ""), Commanded(140.0, "a", ""), Commanded(210.0, "a", "")]
    starts = [Start("a", "t", None), Start("b", "t", None), Start("a", "u", None)]
    assert latency(published, commanded, starts) == Latency(20.0, 40.0)
    assert latency(published, commanded, starts, since_ms=110.0) == Latency(15.0, 20.0)
    assert latency({}, [], []) == Latency(None, None)


@pytest.mark.parametrize(("changes", "code"), [({}, 0), ({"readings": 1}, 1)])
def test_the_exit_code_follows_the_checks(tmp_path, monkeypatch, changes, code):
    monkeypatch.setattr(command, "run", lambda *_, **__: make_report(*a_run(**changes), seconds=1.0))
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "demo", "--json"])
    assert result.exit_code == code
    document = json.loads(result.stdout.splitlines()[-1])
    assert set(document) == KEYS
    assert document["verify"] == {"ok": True, "instances": 2, "events": 30}
