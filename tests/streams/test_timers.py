"""Timers come due in order; those that are over neither fire nor stay."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from streams.core.state import Wait
from streams.timers import MIN_SWEEP, Timers


def _action(due: int, execution: int = 1) -> Wait:
    return Wait("action", execution, due)


def _fired(timers: Timers, now_ms: int, limit: int = 1_000_000) -> list[str]:
    return [timer.instance_id for timer in timers.due(now_ms, limit)]


def _add(timers: Timers, names: Iterable[int]) -> None:
    for name in names:
        timers.add(str(name), "a", _action(name))


def test_due_timers_come_earliest_first_and_no_more_than_asked_for() -> None:
    timers = Timers()
    _add(timers, [3, 1, 2, 9])
    timers.add("waits for a message", "a", Wait("message", 1, name="go"))
    assert timers.next_due() == 1
    assert _fired(timers, 5, limit=2) == ["1", "2"]
    assert _fired(timers, 5) == ["3"]
    assert timers.next_due() == 9


def test_what_is_over_neither_wakes_nor_fires() -> None:
    timers = Timers()
    _add(timers, [1, 2, 3])
    timers.remove("1", "a", 1)
    timers.remove("3", "a", 1)
    assert timers.next_due() == 2
    assert _fired(timers, 5) == ["2"]
    assert timers.next_due() is None


def test_another_try_of_an_execution_that_is_over_has_a_timer_of_its_own() -> None:
    timers = Timers()
    timers.add("i", "a", _action(5))
    timers.remove("i", "a", 1)
    timers.add("i", "a", _action(9))
    assert 9 in [timer.due_ms for timer in timers.due(9, 10)]


def test_timers_that_are_over_do_not_pile_up() -> None:
    timers = Timers()
    for first in range(0, 50 * MIN_SWEEP, MIN_SWEEP):
        _add(timers, range(first, first + MIN_SWEEP))
        for name in range(first, first + MIN_SWEEP):
            timers.remove(str(name), "a", 1)
        assert len(timers) <= 2 * MIN_SWEEP
    assert timers.next_due() is None


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "fire"]), st.integers(0, 9)), max_size=60))
def test_like_a_plain_list(moves: list[tuple[str, int]]) -> None:
    timers, plain = Timers(), dict[int, int]()
    for number, (move, name) in enumerate(moves):
        if move == "add":
            plain[number] = name
            timers.add(str(number), "a", _action(name))
        elif move == "remove" and plain:
            gone = sorted(plain)[name % len(plain)]
            del plain[gone]
            timers.remove(str(gone), "a", 1)
        elif move == "fire":
            due = sorted((due, str(number)) for number, due in plain.items() if due <= name)
            assert [(timer.due_ms, timer.instance_id) for timer in timers.due(name, 100)] == due
            plain = {number: due for number, due in plain.items() if due > name}
        assert timers.next_due() == min(plain.values(), default=None)
