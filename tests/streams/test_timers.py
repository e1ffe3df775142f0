"""Timers come due in order; those that are over neither fire nor stay."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from streams.core.due import WAIT, Timer
from streams.core.state import Instance, Wait
from streams.put_off import PutOff
from streams.timers import MIN_SWEEP, Timers


def _timer(name: object, due: int) -> Timer:
    return Timer(due, str(name), "a", WAIT, due)


def _fired(timers: Timers, now_ms: int, limit: int = 1_000_000) -> list[str]:
    return [timer.subject for timer in timers.due(now_ms, limit)]


def _add(timers: Timers, names: Iterable[int]) -> None:
    for name in names:
        timers.add(_timer(name, name))


def test_due_timers_come_earliest_first_and_no_more_than_asked_for() -> None:
    timers = Timers()
    _add(timers, [3, 1, 2, 9])
    assert timers.next_due() == 1
    assert _fired(timers, 5, limit=2) == ["1", "2"]
    assert _fired(timers, 5) == ["3"]
    assert timers.next_due() == 9


def test_an_instance_has_a_timer_for_each_wait_with_a_moment_while_it_runs() -> None:
    waiting = {"a": Wait("timer", 1, 7), "b@3.1": Wait("action", 4, 5), "c": Wait("message", 2, name="go")}
    instance = Instance(1, "i", "d", 1, None, "running", 9, 0, 0, {}, waiting=waiting)
    timers = Timers()
    timers.restore(instance)
    found = [timer.command() for timer in timers.due(9, 9)]
    assert [(one.activity_id, one.token, one.execution) for one in found] == [("b", "3.1", 4), ("a", None, 1)]
    instance.status = "failed"
    timers = Timers()
    timers.restore(instance)
    assert len(timers) == 0


def test_what_is_over_neither_wakes_nor_fires() -> None:
    timers = Timers()
    _add(timers, [1, 2, 3])
    timers.remove(_timer(1, 1))
    timers.remove(_timer(3, 3))
    assert timers.next_due() == 2
    assert _fired(timers, 5) == ["2"]
    assert timers.next_due() is None


def test_another_moment_of_the_same_place_has_a_timer_of_its_own() -> None:
    timers = Timers()
    timers.add(_timer("i", 5))
    timers.remove(_timer("i", 5))
    timers.add(_timer("i", 9))
    assert [timer.due_ms for timer in timers.due(9, 10)] == [9]


def test_a_timer_that_is_held_and_then_set_again_fires_once() -> None:
    timers = Timers()
    timers.add(_timer("i", 5))
    timers.remove(_timer("i", 5))
    timers.add(_timer("i", 5))
    assert _fired(timers, 9) == ["i"]


def test_a_timer_that_fired_and_was_set_again_and_was_over_again_in_one_batch_is_over() -> None:
    timers = Timers()
    _add(timers, [1])
    assert _fired(timers, 1) == ["1"]
    timer = _timer(1, 1)
    timers.settled([([timer], []), ([], [timer]), ([timer], [])])
    assert timers.next_due() is None


def test_what_a_batch_has_taken_out_comes_back_unless_the_batch_has_committed() -> None:
    timers = Timers()
    _add(timers, [1, 2])
    assert _fired(timers, 1) == ["1"]
    timers.give_back()
    assert _fired(timers, 1) == ["1"]
    timers.settled([([_timer(1, 1)], [_timer(1, 4)])])
    timers.give_back()
    assert _fired(timers, 9) == ["2", "1"]
    timers.settled([])
    assert timers.next_due() is None


def test_what_is_put_off_is_over_when_it_was_tried_and_did_not_raise() -> None:
    timer, put_off = Timer(5, "schedule:a", "", "schedule", 0), PutOff()
    assert put_off.settled([], [(0, timer)], 1_000) == [([timer], [])], "the backend has it no more"
    assert (put_off.due(1_999, 9, 9), put_off.due(2_000, 4, 9), put_off.next_due()) == ([], [], 2_000)
    assert put_off.due(2_000, 9, 9) == [timer]
    assert put_off.settled([], [(0, timer)], 2_000) == [], "again"
    assert (put_off.due(3_999, 9, 9), put_off.due(4_000, 9, 9)) == ([], [timer])
    assert put_off.settled([], [], 4_000) == []
    assert len(put_off) == 0


def test_what_is_put_off_and_over_and_set_again_in_one_batch_is_the_backends() -> None:
    timer, put_off = Timer(5, "schedule:a", "", "schedule", 0), PutOff()
    changes = [([timer], []), ([], [timer])]
    assert put_off.settled(changes, [(0, timer)], 0) == [([timer], []), ([], []), ([], [timer])]
    assert len(put_off) == 0


def test_timers_that_are_over_do_not_pile_up() -> None:
    timers = Timers()
    for first in range(0, 50 * MIN_SWEEP, MIN_SWEEP):
        _add(timers, range(first, first + MIN_SWEEP))
        for name in range(first, first + MIN_SWEEP):
            timers.remove(_timer(name, name))
        assert len(timers) <= 2 * MIN_SWEEP
    assert timers.next_due() is None


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "fire"]), st.integers(0, 9)), max_size=60))
def test_like_a_plain_list(moves: list[tuple[str, int]]) -> None:
    timers, plain = Timers(), dict[int, int]()
    for number, (move, name) in enumerate(moves):
        if move == "add":
            plain[number] = name
            timers.add(_timer(number, name))
        elif move == "remove" and plain:
            gone = sorted(plain)[name % len(plain)]
            timers.remove(_timer(gone, plain.pop(gone)))
        elif move == "fire":
            due = sorted((due, str(number)) for number, due in plain.items() if due <= name)
            assert [(timer.due_ms, timer.subject) for timer in timers.due(name, 100)] == due
            timers.settled([])
            plain = {number: due for number, due in plain.items() if due > name}
        assert timers.next_due() == min(plain.values(), default=None)
