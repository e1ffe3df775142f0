"""Who waits for the outcome of a command gets it whole, whenever the command's place becomes known."""

import asyncio

import pytest

from streams.core.durations import instant
from streams.core.events import VERSION, Event
from weir.api.following.endings import Endings
from weir.api.following.lately import Lately, SentStart
from weir.api.following.outcomes import Expected, Outcomes
from weir.watch import Accepted, DeadLettered, Refused


def event(cause: str, seq: int = 1, type_: str = "started", subject: str = "i") -> Event:
    return Event(VERSION, type_, subject, seq, instant(0), "d", 1, cause)


def seqs(expected: Expected) -> list[int] | None:
    if not expected.future.done():
        return None
    outcome = expected.future.result()
    assert isinstance(outcome, Accepted)
    return [one.seq for one in outcome.events]


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.mark.parametrize("known_after", range(4))
async def test_all_events_of_a_command_whenever_its_place_is_known(outcomes: Outcomes, known_after: int) -> None:
    read = [event("1:6", 1), event("1:7", 2), event("1:7", 3), event("1:8", 4)]
    with outcomes.expect(1, "mine") as expected:
        for number, one in enumerate(read):
            if number == known_after:
                expected.is_at(7)
            outcomes.event(1, one)
        assert seqs(expected) == [2, 3]
    assert not outcomes.waits_in(1)


async def test_the_last_events_are_whole_when_all_has_been_read(outcomes: Outcomes) -> None:
    with outcomes.expect(1, "mine") as expected:
        outcomes.event(1, event("1:7", 1))
        expected.is_at(7)
        outcomes.event(1, event("1:7", 2))
        assert seqs(expected) is None
        assert outcomes.unsettled() == [1]
        outcomes.settled(1)
        assert seqs(expected) == [1, 2]
        assert outcomes.unsettled() == []


@pytest.mark.parametrize("other", ["1:timer", "2:7", "1:9"])
async def test_events_of_others_are_not_mine(outcomes: Outcomes, other: str) -> None:
    partition = int(other[0])
    with outcomes.expect(1, "mine") as expected:
        expected.is_at(7)
        outcomes.event(partition, event(other))
        outcomes.settled(partition)
        assert seqs(expected) is None
        outcomes.event(1, event("1:7", 5))
        outcomes.event(1, event("1:timer", 6))
        assert seqs(expected) == [5]


async def test_a_refusal_comes_by_the_id_and_a_dead_letter_by_the_place(outcomes: Outcomes) -> None:
    refusal = Refused(1, 7, "already_running", "it runs", None)
    with outcomes.expect(1, "mine") as expected:
        outcomes.refused("other", refusal)
        assert not expected.future.done()
        outcomes.refused("mine", refusal)
        expected.is_at(7)
        assert expected.future.result() == refusal
    for early in (True, False):
        with outcomes.expect(1, "mine") as expected:
            if early:
                outcomes.dead_lettered(1, 7, "poison")
            expected.is_at(7)
            if not early:
                outcomes.dead_lettered(1, 6, "other")
                assert not expected.future.done()
                outcomes.dead_lettered(1, 7, "poison")
            assert expected.future.result() == DeadLettered(1, 7, "poison")


@pytest.mark.parametrize("placed_first", [True, False])
async def test_the_same_command_sent_twice_at_the_same_time(outcomes: Outcomes, placed_first: bool) -> None:
    refusal = Refused(1, 8, "already_exists", "it is there", None)
    with outcomes.expect(1, "same") as second:
        with outcomes.expect(1, "same") as first:

            def placed() -> None:
                first.is_at(7)
                second.is_at(8)

            def read() -> None:
                outcomes.event(1, event("1:7", 1))
                outcomes.refused("same", refusal)

            for step in (placed, read) if placed_first else (read, placed):
                step()
            outcomes.settled(1)
            assert seqs(first) == [1], "it is the other one that was refused"
        assert second.future.result() == refusal
    assert not outcomes.waits_in(1)
    with outcomes.expect(1, "same") as again:
        outcomes.refused("same", Refused(3, 1, "already_exists", "carried elsewhere", None))
        assert again.future.done()


async def test_two_wait_in_one_partition_and_one_goes(outcomes: Outcomes) -> None:
    with outcomes.expect(1, "a") as first:
        first.is_at(3)
        with outcomes.expect(1, "b"):
            outcomes.event(1, event("1:3", 1))
        outcomes.event(1, event("1:4", 2))
        assert seqs(first) == [1]


async def test_an_end_is_told_to_all_who_wait_for_that_instance() -> None:
    endings = Endings()
    end = event("1:7", 9, "timed_out", "mine")
    with endings.expect("mine") as first, endings.expect("mine") as second:
        assert endings.waits_for(b"mine", b"timed_out")
        assert not endings.waits_for(b"mine", b"activity_started")
        assert not endings.waits_for(b"other", b"completed")
        endings.ended(end)
        assert await asyncio.gather(first, second) == [end, end]
    assert not endings.waits_for(b"mine", b"completed")


def test_the_oldest_is_forgotten_first() -> None:
    lately = Lately(size=2)
    for number in range(3):
        lately.sent(str(number), SentStart("d", None))
    assert [lately.start(str(number)) is None for number in range(3)] == [True, False, False]
    lately.refused(None, Refused(0, 0, "r", "m", None))
    lately.refused("0", Refused(0, 0, "r", "m", None))
    assert lately.refusal("0") is not None
