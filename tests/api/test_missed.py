"""A stream of everything that is resumed: nothing is lost, wherever the client goes, whichever gateway it comes to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import Request

from streams.log import LogError, Span
from streams.transport.port import Chunk, TopicPartition
from tests.api.inside import application, settings_of
from tests.api.test_feed import record
from tests.projections.story import FakeRecord
from weir.api.app import make_api
from weir.api.auth.principal import ANYBODY
from weir.api.following import missed as module
from weir.api.following.feed import read_positions
from weir.api.following.follower import Follower
from weir.api.problems import ProblemError
from weir.api.routes.events import events

COUNT = 6


class Topic:
    """Two partitions of events, read one record at a time, in turn."""

    def __init__(self) -> None:
        self.records = [[record(f"{of}{at}", 1) for at in range(COUNT)] for of in "ab"]
        self.open, self.away = 0, False

    @asynccontextmanager
    async def opened(self, _: Any) -> AsyncIterator["Topic"]:
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def read(self, spans: Mapping[TopicPartition, Span]) -> AsyncIterator[Chunk]:
        if self.away:
            raise LogError("it is away")
        left = dict(spans)
        while left:
            for tp, (at, end) in list(left.items()):
                yield Chunk(tp, at, [self.records[tp.partition][at]], at + 1, None)
                left[tp] = Span(at + 1, end)
                if at + 1 == end:
                    del left[tp]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    found = Topic()
    monkeypatch.setattr(module, "opened", found.opened)
    monkeypatch.setattr(module, "ROUND_BYTES", 100)  # a round for each event
    return found


class Gateway:
    """One that is at ``places``."""

    def __init__(self, *places: int) -> None:
        self.request = Request({"type": "http", "app": application(make_api(settings_of())), "headers": []})
        self.follower: Follower = self.request.app.state.follower
        self.at(*places)
        if places:
            self.follower.ready.set()

    def at(self, *places: int) -> None:
        name = self.follower.events_topic
        self.follower._positions |= {TopicPartition(name, one): at for one, at in enumerate(places)}

    def reads(self, partition: int, one: FakeRecord) -> None:
        """A new event comes."""
        self.follower.feed.event(one)
        self.at(*(at + (number == partition) for number, at in self.follower.event_positions().items()))
        self.follower.feed.batch_ended(self.follower.event_positions)

    async def stream(self, last: str | None) -> AsyncIterator[bytes]:
        response = await events(self.request, ANYBODY, last_event_id=last)
        stream: Any = response.body_iterator
        return stream


def told(frames: bytes) -> tuple[list[str], str | None]:
    """Which events came, and the client's last id behind them."""
    ids = [line[4:] for line in frames.decode().splitlines() if line.startswith("id: ")]
    subjects = [part.partition('"')[0] for part in frames.decode().split('"subject":"')[1:]]
    return subjects, ids[-1] if ids else None


async def test_a_client_that_goes_while_it_catches_up_goes_on_from_there(topic: Topic) -> None:
    gateway, last, seen = Gateway(COUNT, COUNT), "0-0.1-2", []
    for _ in range(2 * COUNT - 2):  # the connection breaks after each round
        stream = await gateway.stream(last)
        subjects, moved = told(await anext(stream))
        await stream.aclose()  # type: ignore[attr-defined]
        seen += subjects
        assert moved is not None
        assert sum(read_positions(moved).values()) == 2 + len(seen), "no further than what it has got"
        last = moved
    assert sorted(seen) == [f"a{at}" for at in range(COUNT)] + [f"b{at}" for at in range(2, COUNT)]
    assert topic.open == 0


async def test_what_comes_between_the_question_and_the_stream_is_told_once(topic: Topic) -> None:
    gateway = Gateway(4, 4)
    stream = await gateway.stream("0-3.1-4")
    gateway.reads(0, topic.records[0][4])
    seen = told(await anext(stream))[0] + told(await anext(stream))[0]
    gateway.reads(1, topic.records[1][4])
    seen += told(await anext(stream))[0]
    await stream.aclose()  # type: ignore[attr-defined]
    assert seen == ["a3", "a4", "b4"]


async def test_who_reads_slowly_keeps_nobody_from_catching_up(topic: Topic) -> None:
    gateway, slow = Gateway(COUNT, COUNT), []
    for _ in range(20):
        stream = await gateway.stream("0-0.1-0")
        await asyncio.wait_for(anext(stream), 10)
        slow.append(stream)
    assert topic.open == 0, "they hold no connection either"
    for stream in slow:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_a_gateway_that_has_just_started_is_waited_for(topic: Topic) -> None:
    gateway = Gateway()
    asked = asyncio.create_task(gateway.stream("0-5.1-6"))
    await asyncio.sleep(0)
    gateway.at(COUNT - 1, COUNT - 1)  # and is behind the one where the client was
    gateway.follower.ready.set()
    await asyncio.sleep(0)
    gateway.at(COUNT, COUNT)
    stream = await asked
    assert told(await anext(stream)) == (["a5"], "0-6.1-6")
    await stream.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("places", "last", "status"),
    [((), "0-1", 503), ((1, 1), "0-2", 422), ((1, 1), "7-1", 422), ((10**7, 1), "0-1", 410)],
)
async def test_where_no_stream_can_begin(
    monkeypatch: pytest.MonkeyPatch, places: tuple[int, ...], last: str, status: int
) -> None:
    monkeypatch.setattr(module, "REACH_S", 0.01)
    with pytest.raises(ProblemError) as caught:
        await Gateway(*places).stream(last)
    assert caught.value.status == status


async def test_a_topic_that_cannot_be_read_ends_the_stream_with_the_reason(topic: Topic) -> None:
    topic.away = True
    stream = await Gateway(COUNT, COUNT).stream("0-0.1-0")
    frames = [one async for one in stream]
    assert len(frames) == 1
    assert frames[0].startswith(b"event: error\n")
    assert b"it is away" in frames[0]
