"""Listeners to events: what each gets, and that a slow one costs no more than its queue."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from streams.codec import encode_event
from streams.core.durations import instant
from streams.core.events import VERSION, Event
from tests.projections.story import FakeRecord
from weir.api.following import feed as module
from weir.api.following.answers import ANSWERED
from weir.api.following.feed import Feed, Listener, read_positions, write_positions


def record(subject: str, seq: int, type_: str = "started", definition: str = "d", **data: Any) -> FakeRecord:
    event = Event(VERSION, type_, subject, seq, instant(0), definition, 1, "0:0", message="two\nlines", data=data)
    return FakeRecord(encode_event(event), key=subject.encode())


async def text(listener: Listener) -> str:
    return b"".join(frame for _, frame in await listener.taken(0.01)).decode()


async def test_each_gets_what_it_wants() -> None:
    feed = Feed()
    everything, ends, of_a = Listener(), Listener(types=frozenset({"completed"}), definition="d"), Listener(b"a")
    with feed.listening(everything), feed.listening(ends), feed.listening(of_a):
        feed.event(record("a", 1))
        feed.event(record("b", 1, "completed", "other"))
        feed.batch_ended(lambda: {0: 7, 1: 3})
        feed.event(record("a", 2, "completed"))
        feed.batch_ended(lambda: {0: 9, 1: 3})
        assert (await text(everything)).count("data: ") == 3
        told = await text(ends)
        assert told.startswith('event: completed\ndata: {"v":1,"type":"completed","subject":"a","seq":2')
        assert told.endswith("\n\nid: 0-9.1-3\n\n"), "where it may go on"
        assert told.count("id: ") == 1
        frames = await of_a.taken(0.01)
        assert [seq for seq, _ in frames] == [1, 2]
        assert frames[1][1].startswith(b"id: 2\nevent: completed\n")
        assert await of_a.taken(0.01) == []
    feed.event(record("a", 3))
    assert await text(everything) == ""


@pytest.mark.parametrize("type_", sorted(ANSWERED))
async def test_answers_to_tasks_are_told_to_those_who_see_all_tasks(type_: str) -> None:
    feed = Feed()
    listeners = [Listener(of, answers=answers) for of in (None, b"a") for answers in (True, False)]
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(feed.listening(listener))
        feed.event(record("a", 1, type_, user="ann", answers={"pin": 1234}))
        feed.batch_ended(lambda: {0: 1})
        told = [await text(listener) for listener in listeners]
    assert ['"data":{"user":"ann","answers":{"pin":1234}}' in one for one in told] == [True, False] * 2
    assert ['"data":{"user":"ann","answers":"***"}' in one for one in told] == [False, True] * 2


def test_every_event_with_answers_is_known() -> None:
    logs = (Path(__file__).parents[1] / "golden").glob("*.jsonl")
    events = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    assert {event["type"] for event in events if "answers" in event.get("data", {})} == ANSWERED


async def test_a_batch_is_made_once_for_all_who_want_the_same() -> None:
    feed, listeners, other = Feed(), [Listener(), Listener()], Listener(definition="d")
    with ExitStack() as stack:
        for listener in (*listeners, other):
            stack.enter_context(feed.listening(listener))
        for seq in range(1, 4):
            feed.event(record("a", seq))
        feed.batch_ended(lambda: {0: 3})
        [[(_, one)], [(_, two)]] = [await listener.taken(0.01) for listener in listeners]
        assert one is two
        [(_, own)] = await other.taken(0.01)
        assert own == one, "the same events, since all are of that definition"


async def test_who_is_too_slow_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FRAMES", 3)
    feed, slow, fast = Feed(), Listener(), Listener()
    with feed.listening(slow), feed.listening(fast):
        for seq in range(1, 6):
            feed.event(record("a", seq))
            feed.batch_ended(lambda: {0: seq})  # noqa: B023
            assert await text(fast)
        assert (slow.overflowed, len(slow.frames), fast.overflowed) == (True, 0, False)
        assert await slow.taken(60) == [], "it is told at once"


def test_positions_as_an_id() -> None:
    assert read_positions(write_positions({3: 12, 0: 5})) == {0: 5, 3: 12}
    for wrong in ("", "7", "0-", "-1", "0-1.", "0-1,1-2", "0-x", "٣-1", "0-" + "9" * 40):
        with pytest.raises(ValueError, match="Expected the id"):
            read_positions(wrong)
