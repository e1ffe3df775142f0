"""What zombies and killed workers leave in the topics is no part of the log."""

import asyncio

from streams.codec import encode_event
from streams.core.durations import instant
from streams.core.events import Event
from streams.log import opened
from streams.transport.port import TopicPartition
from tests.verify.site import VerifySite
from weir.verify.log import check_log


async def _write(site: VerifySite, name: str) -> None:
    """An event and a state that nobody must see, in a transaction that the producer has begun."""
    home, key = site.home(name), site.ids[name].encode()
    event = Event(1, "cancelled", site.ids[name], 99, instant(site.now_ms), "worker", 1, f"{home}:9999")
    await site.producer.send_and_wait(site.topics.events.name, encode_event(event), key=key, partition=home)
    await site.producer.send_and_wait(site.topics.changelog.name, b"no state", key=key, partition=home)
    await site.producer.send_and_wait(site.topics.dead_letters.name, b"no letter", key=key, partition=0)


async def test_an_aborted_transaction(site: VerifySite) -> None:
    await site.producer.begin_transaction()
    await _write(site, "timer")
    await site.producer.abort_transaction()
    assert await site.differences() == []
    async with opened(site.settings) as log:
        assert (await check_log(log, site.topics, now_ms=site.now_ms)).differences == []


async def test_an_open_transaction_is_waited_for(site: VerifySite) -> None:
    """As a killed worker leaves one, until the broker ends it."""
    await site.producer.begin_transaction()
    await _write(site, "timer")
    tp = TopicPartition(site.topics.events.name, site.home("timer"))
    verifying = asyncio.create_task(site.differences())
    async with opened(site.settings) as log:
        waiting = asyncio.create_task(log.settled([tp]))
        done, _ = await asyncio.wait({verifying, waiting}, timeout=2)
        assert not done
        await site.producer.abort_transaction()
        await waiting
    assert await verifying == []
