"""Each form as a table: a series, a value a minute, and the minutes at which it fires."""

import pytest

from streams.core.patterns import Absence, Count, Form, Level, Pattern, Sequence
from streams.core.patterns.level import MAX_MISSED
from tests.core.patterns.playing import MINUTE, Arrival, arrivals, minutes, play

HOUR = 60 * MINUTE


def fires(pattern: Pattern, text: str, *conditions: str, until: int = HOUR) -> list[float]:
    return minutes(play(pattern, arrivals(text, *conditions), until))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9x5", [3]),  # has held for three minutes
        ("1 9x5", [4]),
        ("9x3", [3]),  # the reading of the moment comes first, and says yes
        ("9 9 9 1", []),  # and here it says no
        ("9 9 1 9 9 9 9", [6]),  # begins anew
        ("9", [3]),  # the last value holds
        ("9 _ _ _ _ 1", [3]),
        ("9x3 1 9x3", [3, 8]),  # each time that it has become true again
        ("5x9", []),  # not above five
    ],
)
def test_an_on_delay(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Level(3 * MINUTE), "p"), text, ">5") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9 _ 9 _ 9", [3]),  # two minutes are no gap
        ("9 _ _ 9 9 9 9", [6]),  # three are: unknown since minute 2
        ("9", []),
        ("9 9 9 9 _ _ _ 9 9 9 9", [3, 10]),  # silence is the end of an alarm
    ],
)
def test_no_on_delay_over_a_gap(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Level(3 * MINUTE, max_gap=2 * MINUTE), "p"), text, ">5") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9", [0]),
        ("7 9 7 9 7 3 9", [1, 6]),  # between the limits nothing changes
        ("7 7 3 7 9", [4]),
        ("8 4", []),  # neither above nor below
    ],
)
def test_a_deadband(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Level(hysteresis=True), "p"), text, ">8", "<4") == expected


def test_a_deadband_with_an_on_delay_holds_between_its_limits() -> None:
    pattern = Pattern(Level(3 * MINUTE, hysteresis=True), "p")
    assert fires(pattern, "9 7 6 5 5", ">8", "<4") == [3]
    assert fires(pattern, "9 7 6 3 5", ">8", "<4") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9x8", [1, 4, 7]),
        ("9x4 1 9 9 9 1", [1, 4, 7]),  # over at 5; from 6 on another alarm, with its own delay
        ("9x4 1", [1, 4]),
    ],
)
def test_a_re_alarm(text: str, expected: list[float]) -> None:
    pattern = Pattern(Level(MINUTE, re_alarm=3 * MINUTE), "p")
    assert fires(pattern, text, ">5", until=9 * MINUTE) == expected


def test_a_re_alarm_goes_on_while_the_last_value_holds() -> None:
    assert fires(Pattern(Level(re_alarm=20 * MINUTE), "p"), "9", ">5") == [0, 20, 40, 60]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9 1 9 1 9", [0]),  # never off for three minutes
        ("9 1 _ _ _ 9", [0, 5]),
        ("9 1 _ _ 9", [0]),  # the reading of the moment comes first
        ("9 1 1 1 1 9", [0, 5]),  # counted from the first that says no
    ],
)
def test_an_off_delay(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Level(off_delay=3 * MINUTE), "p"), text, ">5") == expected


def test_no_re_alarm_while_an_off_delay_runs() -> None:
    pattern = Pattern(Level(off_delay=5 * MINUTE, re_alarm=2 * MINUTE), "p")
    assert fires(pattern, "9 9 9 1 1 9 9 1", ">5") == [0, 2, 6]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9 9 9", [2]),
        ("9 1 9 1 1 9", [5]),  # five minutes are within five
        ("9 1 9 1 1 1 9", []),
        ("9x6", [2, 5]),  # each reading counts once
        ("9 _ _ 9 _ 9 9", [5]),
        ("9 _ _ 9 _ _ 9 9", [7]),  # the first is too old
    ],
)
def test_a_count(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Count(3, within=5 * MINUTE), "p"), text, ">5") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2 3", [2]),
        ("1 7 2 7 7 3", [5]),  # others in between do not matter
        ("1 7 2 7 7 7 3", []),  # six minutes
        ("1 _ 1 2 _ _ 3", [6]),  # the later beginning counts
        ("1 2 _ _ 1 _ 3", []),  # the later beginning has no second step yet, and the first is too old
        ("1 2 2 2 2 3", [5]),
        ("3 2 1", []),
        ("1 2 3 3 2 3", [2]),  # everything begins anew
        ("1 1 2 2 3 3", [4]),
    ],
)
def test_a_sequence(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Sequence(3, within=5 * MINUTE), "p"), text, "=1", "=2", "=3") == expected


def test_a_reading_is_one_step_only() -> None:
    assert fires(Pattern(Sequence(2, within=5 * MINUTE), "p"), "9", ">5", ">7") == []
    assert fires(Pattern(Sequence(2, within=5 * MINUTE), "p"), "9 9", ">5", ">7") == [1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", [2]),
        ("1 _ 1 _ _ _ 1", [4, 8]),
        ("1 _ 1", [4]),  # the reading of the moment comes first
    ],
)
def test_an_absence(text: str, expected: list[float]) -> None:
    assert fires(Pattern(Absence(2 * MINUTE), "p"), text) == expected


def test_an_absence_of_readings_for_which_a_condition_holds() -> None:
    pattern = Pattern(Absence(2 * MINUTE), "p")
    assert fires(pattern, "1 1 1 1 9 1 1 1", ">5") == [2, 6]
    assert fires(pattern, "9 9 9 1 1 1", ">5") == [4]


def test_a_key_that_is_missed_whether_it_was_ever_seen_or_not() -> None:
    form = Absence(2 * MINUTE, re_alarm=20 * MINUTE)
    pattern = Pattern(form, "p")
    player = play(pattern, [], 0)
    player.window = pattern.open("w", 0, form.watch(0))
    player.pass_until(HOUR)
    assert minutes(player) == [2, 22, 42]
    player.take(Arrival(HOUR, HOUR, [True]))
    player.pass_until(2 * HOUR)
    assert minutes(player) == [2, 22, 42, 62, 82, 102]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (Level(), "9 1 9 1 9 1 9 1 9", [0, 6]),
        (Count(2, within=HOUR), "9 9 9 9 9 9 9 9", [1, 7]),
        (Level(re_alarm=2 * MINUTE), "9x7 1", [0, 6]),
        (Absence(MINUTE), "9 _ _ 9 _ _ 9 _ _", [1, 7]),
    ],
)
def test_in_a_cooldown_nothing_fires(form: Form, text: str, expected: list[float]) -> None:
    assert fires(Pattern(form, "p", cooldown=6 * MINUTE), text, ">5") == expected


def test_a_firing_tells_of_its_readings_and_has_the_variables_of_the_last_one() -> None:
    player = play(Pattern(Level(2 * MINUTE), "p"), arrivals("1 7 8 9", ">5"), HOUR)
    [firing] = player.firings
    assert [(point.at / MINUTE, point.values) for point in firing.points] == [(1, [7]), (3, [9])]
    assert firing.variables == b'{"v":9}'
    player = play(Pattern(Count(2, within=HOUR), "p"), arrivals("7 1 8", ">5"), HOUR)
    assert [point.values for point in player.firings[0].points] == [[7], [8]]
    player = play(Pattern(Absence(MINUTE), "p"), arrivals("4"), HOUR)
    assert [point.values for point in player.firings[0].points] == [[4]]


@pytest.mark.parametrize("form", [Level(re_alarm=HOUR), Absence(HOUR, re_alarm=HOUR)])
def test_what_was_missed_in_a_week_is_not_told_for_every_hour(form: Form) -> None:
    pattern = Pattern(form, "p")
    player = play(pattern, [], 0)
    player.take(Arrival(0, 0, [True]))
    player.firings += pattern.advance(player.window, 168 * HOUR)
    assert len(player.firings) <= MAX_MISSED + 3
    assert player.firings[-1].at == 168 * HOUR
