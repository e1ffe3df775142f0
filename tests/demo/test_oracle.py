"""The oracle on series that a person can follow by eye; threshold 90, five minutes between readings."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest

from weir.demo import oracle
from weir.demo.oracle import Episode, Expectation, episodes, expect
from weir.demo.series import failure_windows


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([80, 85, 90], []),  # at the threshold is not above it
        ([95, 80], [Episode(0, 1, cooled=True)]),
        ([95, 95], [Episode(0, 1, cooled=False)]),
        ([95, 90], [Episode(0, 1, cooled=True)]),  # at the threshold is cooled
        ([80, 95], [Episode(1, 1, cooled=False)]),  # nothing after it: the latest reading is its own
        ([95, 95, 95], [Episode(0, 1, cooled=False), Episode(2, 2, cooled=False)]),
        ([95, 95, 80], [Episode(0, 1, cooled=False)]),
        ([95, 80, 95, 80], [Episode(0, 1, cooled=True), Episode(2, 3, cooled=True)]),
        (
            [80, 95, 95, 95, 80, 95, 80],
            [Episode(1, 2, cooled=False), Episode(3, 4, cooled=True), Episode(5, 6, cooled=True)],
        ),
    ],
)
def test_episodes(values, expected):
    assert episodes(values, 90) == expected


def test_readings_more_often_than_the_timer():
    # every minute: the recheck comes after five more readings, and the sixth may start the next instance
    values = [95, 95, 95, 95, 95, 80, 95, 80]
    assert episodes(values, 90, timedelta(minutes=1)) == [Episode(0, 5, cooled=True), Episode(6, 7, cooled=True)]


def test_readings_more_seldom_than_the_timer():
    # every hour: the timer has fired long before the next reading, so each hot reading is its own latest
    values = [95, 95, 80]
    assert episodes(values, 90, timedelta(hours=1)) == [Episode(0, 0, cooled=False), Episode(1, 1, cooled=False)]


def test_expectation_adds_machines_up():
    assert expect([[95, 80], [80, 80, 80], [95, 95, 95]], 90) == Expectation(8, 3, 1, 2)


def test_the_third_failure_window_never_exceeds_90():
    windows = failure_windows()
    counts = [len(episodes(series.values, 90)) for series in windows]
    assert [len(series.readings) for series in windows] == [567] * 4
    assert counts == [146, 87, 0, 2]


def test_the_oracle_imports_nothing_of_the_engine():
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    modules = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert modules == {"collections.abc", "dataclasses", "datetime"}
