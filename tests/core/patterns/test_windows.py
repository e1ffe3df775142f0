"""The order of readings, devices' clocks, and what is forgotten."""

from pathlib import Path
from typing import get_args

import pytest

from streams.core import patterns
from streams.core.patterns import FORMS, Absence, Count, Form, Level, Pattern, Sequence
from streams.core.patterns.window import KEEP_MS, MAX_HELD, State
from tests.core.patterns.playing import MINUTE, Arrival, arrivals, minutes, play

HOUR = 60 * MINUTE


def test_within_the_lateness_readings_are_put_in_order() -> None:
    pattern = Pattern(Level(3 * MINUTE), "p", lateness=2 * MINUTE)
    on = [Arrival(n * MINUTE, n * MINUTE, [True]) for n in (0, 1, 3, 4, 5)]
    late = Arrival(4 * MINUTE, 2 * MINUTE, [False])
    player = play(pattern, [*on, late], HOUR)
    assert (minutes(player), player.late) == ([6], 0)
    too_late = Arrival(5 * MINUTE + 1, 2 * MINUTE, [False])
    player = play(pattern, [*on, too_late], HOUR)
    assert (minutes(player), player.late) == ([3], 1)


def test_without_lateness_everything_is_decided_at_once() -> None:
    player = play(Pattern(Count(2, within=HOUR), "p"), arrivals("9 9", ">5"), MINUTE)
    assert minutes(player) == [1]


def test_with_lateness_everything_is_decided_that_much_later_whether_readings_come_or_not() -> None:
    pattern = Pattern(Count(2, within=HOUR), "p", lateness=3 * MINUTE)
    assert minutes(play(pattern, arrivals("9 9", ">5"), 4 * MINUTE - 1)) == []
    assert minutes(play(pattern, arrivals("9 9", ">5"), 4 * MINUTE)) == [1]
    assert minutes(play(pattern, arrivals("9 9 1 1", ">5"), 4 * MINUTE - 1)) == []


def test_a_device_whose_clock_is_late_ends_no_delay_too_early() -> None:
    """Its readings are ten minutes old when they arrive: true at 0, false at 4, and nothing fires."""
    pattern = Pattern(Level(5 * MINUTE), "p")
    readings = [Arrival((n + 10) * MINUTE, n * MINUTE, [n < 4]) for n in (0, 1, 2, 3, 4, 5, 6)]
    assert minutes(play(pattern, readings, HOUR)) == []
    held = [Arrival((n + 10) * MINUTE, n * MINUTE, [True]) for n in (0, 1, 2, 3)]
    assert minutes(play(pattern, held, 15 * MINUTE - 1)) == []
    assert minutes(play(pattern, held, 15 * MINUTE)) == [5]


def test_a_backlog_is_decided_by_the_time_of_its_readings() -> None:
    """What a stopped router brings in one moment."""
    readings = [Arrival(HOUR + n, n * MINUTE, [n not in {3, 9}]) for n in range(12)]
    assert minutes(play(Pattern(Level(4 * MINUTE), "p"), readings, 2 * HOUR)) == [8, 14]
    absent = [Arrival(HOUR + n, n * MINUTE, [True]) for n in (0, 1, 5)]
    assert minutes(play(Pattern(Absence(3 * MINUTE), "p"), absent, 2 * HOUR)) == [4, 8]


def test_readings_before_what_silence_has_decided_come_too_late() -> None:
    pattern = Pattern(Level(5 * MINUTE), "p")
    readings = [
        Arrival(0, 0, [True]),
        Arrival(6 * MINUTE, 5 * MINUTE, [False]),
        Arrival(7 * MINUTE, 7 * MINUTE, [True]),
    ]
    player = play(pattern, readings, 8 * MINUTE)
    assert (minutes(player), player.late) == ([5], 1)


@pytest.mark.parametrize("form", [Level(5 * MINUTE), Count(3, within=5 * MINUTE), Sequence(2, within=5 * MINUTE)])
def test_what_does_not_count_any_more_is_forgotten(form: Form) -> None:
    pattern = Pattern(form, "p", lateness=MINUTE)
    readings = [Arrival(n * MINUTE, n * MINUTE, [n == 0, False]) for n in range(2)]
    forgotten = MINUTE + KEEP_MS + MINUTE + (0 if isinstance(form, Level) else form.within)
    assert play(pattern, readings, forgotten - 1).window is not None
    assert play(pattern, readings, forgotten).window is None


def test_a_cooldown_is_remembered_to_its_end() -> None:
    pattern = Pattern(Level(), "p", cooldown=3 * KEEP_MS)
    player = play(pattern, arrivals("9 1", ">5"), 3 * KEEP_MS - 1)
    assert player.window is not None
    player.take(Arrival(3 * KEEP_MS - 1, 3 * KEEP_MS - 1, [True]))
    assert minutes(player) == [0]
    player = play(pattern, arrivals("9 1", ">5"), 3 * KEEP_MS)
    assert player.window is None


def test_an_alarm_and_an_absence_are_remembered() -> None:
    for pattern in (Pattern(Level(), "p"), Pattern(Absence(MINUTE), "p")):
        assert play(pattern, arrivals("9"), 100 * KEEP_MS).window is not None


def test_no_more_readings_wait_than_a_record_should_hold() -> None:
    pattern = Pattern(Count(2, within=HOUR), "p", lateness=HOUR)
    readings = [Arrival(n, n, [n in {0, 1}]) for n in range(MAX_HELD)]
    player = play(pattern, readings, MAX_HELD)
    assert player.firings == []
    player = play(pattern, [*readings, *(Arrival(n, n, [False]) for n in (MAX_HELD, MAX_HELD + 1))], MAX_HELD + 1)
    assert [firing.at for firing in player.firings] == [1]
    assert len(player.window.held) == MAX_HELD


def test_of_a_moment_and_its_readings_all_readings_come_first() -> None:
    """Two readings of the moment at which the absence would fire: the first does not count, the second does."""
    readings = [Arrival(0, 0, [True]), Arrival(5, 5, [False]), Arrival(5, 5, [True])]
    assert play(Pattern(Absence(5), "p"), readings, 9).firings == []


def test_every_form_and_its_state_are_registered() -> None:
    assert set(FORMS) == set(get_args(State))
    here = Path(patterns.__file__).parent
    modules = {path.stem for path in here.glob("*.py")} - {"__init__", "base", "window"}
    assert {form.__module__.rpartition(".")[2] for form in FORMS.values()} == modules
