"""Retry and drop on the real broker: once, whoever crashes or comes between."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.deadletters import DeadLetter
from streams.kafka import client_options
from streams.log import opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import OutcomeUnknownError
from tests.roles import reading
from tests.site import make_site
from weir.letters.letter import Letter, Place
from weir.letters.reading import LetterError, find, partitions, whole
from weir.letters.selection import Selection
from weir.letters.settling import MAX_A_TRANSACTION, Desk, Order, desk

EVERYTHING = Selection()


class Site:
    """Writes letters, and reads what there is."""

    def __init__(self, settings: Settings, topics: Topics, producer: AIOKafkaProducer) -> None:
        self.settings, self.topics, self.producer = settings, topics, producer

    async def letters(self, numbers: range, **given: str) -> None:
        """Letters of commands; their values are numbers."""
        for number in numbers:
            letter = DeadLetter(
                topic=given.get("topic", self.topics.commands.name),
                partition=0,
                offset=number,
                key=b"k%d" % number,
                value=b"%d" % number,
                reason=given.get("reason", "Not JSON"),
                role="processor",
            )
            key, value, headers = letter.record(1_800_000_000_000)
            await self.producer.send(self.topics.dead_letters.name, value, key=key, headers=list(headers), partition=0)
        await self.producer.flush()

    async def look(self, selection: Selection = EVERYTHING) -> list[Letter]:
        async with opened(self.settings) as log:
            return await find(log, await log.settled(partitions(self.topics)), selection)

    async def sent(self, number: int) -> Counter[bytes]:
        """How often each value is on the commands' topic, once there are ``number``."""
        async with reading(self.settings, self.topics.commands.name, self.topics.partitions) as commands:
            records = await commands.count(number)
            await commands.look()
            return Counter(record.value for record in records)


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> AsyncIterator[Site]:
    own, topics = await make_site(settings, tmp_path)
    async with AIOKafkaProducer(**client_options(own), linger_ms=5) as producer:
        yield Site(own, topics, producer)


def order(selection: Selection = EVERYTHING, **more: int) -> Order:
    return Order("retried", selection, "operator", "mended", **more)


async def test_many_letters_are_retried_once_and_told(site: Site) -> None:
    count = 2 * MAX_A_TRANSACTION + 5
    await site.letters(range(count))
    await site.letters(range(1), topic="gone")
    steps: list[tuple[int, int]] = []
    async with desk(site.settings, site.topics) as here:
        settled = await here.settle(order(), lambda done, total: steps.append((done, total)))
    assert len(settled.done) == count
    assert [(letter.place, why) for letter, why in settled.left] == [(Place(0, count), "topics.yaml has no topic gone")]
    assert steps[-1] == (count + 1, count + 1)
    async with desk(site.settings, site.topics) as here:
        again = await here.settle(order())
    assert (len(again.done), len(again.left)) == (0, 1)
    assert await site.sent(count) == Counter(b"%d" % number for number in range(count))
    letters = await site.look()
    assert len(letters) == count + 1
    fates = [letter.fate for letter in letters]
    assert {(fate.what, fate.by, fate.why) for fate in fates if fate is not None} == {("retried", "operator", "mended")}
    assert fates.count(None) == 1


async def test_one_letter_by_its_place_whole_and_only_once(site: Site) -> None:
    await site.letters(range(3))
    one = Selection(places=(Place(0, 1),))
    async with opened(site.settings) as log:
        spans = await log.settled(partitions(site.topics))
        (letter,) = await find(log, spans, one)
        assert letter.value is None
        assert (await whole(log, spans, letter)).value == b"1"
    async with desk(site.settings, site.topics) as here:
        assert [letter.place for letter in (await here.settle(order(one))).done] == [Place(0, 1)]
        again = await here.settle(order(one))
    assert again.done == []
    assert again.left[0][1].startswith("it was retried by operator at ")
    assert await site.sent(1) == Counter([b"1"])


async def test_dropping_sends_nothing_and_a_limit_takes_the_oldest(site: Site) -> None:
    await site.letters(range(5))
    async with desk(site.settings, site.topics) as here:
        await here.settle(Order("dropped", EVERYTHING, "operator", "noise", limit=2))
        await here.settle(order(limit=1))
    found = {letter.place.offset: letter.fate.what if letter.fate else None for letter in await site.look()}
    assert found == {0: "dropped", 1: "dropped", 2: "retried", 3: None, 4: None}
    assert await site.sent(1) == Counter([b"2"])


async def test_a_dry_run_tells_and_does_nothing(site: Site) -> None:
    await site.letters(range(2))
    async with desk(site.settings, site.topics, dry_run=True) as here:
        assert len((await here.settle(order())).done) == 2
    assert [letter.fate for letter in await site.look()] == [None, None]


async def test_of_two_operators_the_second_fences_the_first_and_nothing_goes_twice(site: Site) -> None:
    await site.letters(range(10))
    async with desk(site.settings, site.topics) as first:
        await first.settle(order(limit=3))
        async with desk(site.settings, site.topics) as second:
            with pytest.raises(LetterError, match="Somebody else settles dead letters now"):
                await first.settle(order())
            assert len((await second.settle(order())).done) == 7
    assert await site.sent(10) == Counter(b"%d" % number for number in range(10))


class Dying:
    """A writer whose process dies in a transaction, before or after Kafka has committed it."""

    def __init__(self, real, *, commits: bool) -> None:
        self.real, self.commits = real, commits

    async def transact(self, outputs, offsets):
        if self.commits:
            await self.real.transact(outputs, offsets)
        else:
            await self.real._producer.begin_transaction()
            for tp, messages in outputs.items():
                for key, value, headers in messages:
                    await self.real._producer.send_and_wait(
                        tp.topic, value, key=key, headers=list(headers), partition=tp.partition
                    )
        raise OutcomeUnknownError("died")


@pytest.mark.parametrize("commits", [False, True])
async def test_a_crash_neither_loses_nor_doubles_a_letter(site: Site, commits: bool) -> None:
    await site.letters(range(4))
    async with desk(site.settings, site.topics) as here:
        dying = Desk(here._log, site.topics, Dying(here._writer, commits=commits))
        with pytest.raises(LetterError, match="All of these are settled, or none"):
            await dying.settle(order(limit=3))
        async with desk(site.settings, site.topics) as successor:
            assert len((await successor.settle(order())).done) == (1 if commits else 4)
    assert await site.sent(4) == Counter(b"%d" % number for number in range(4))
