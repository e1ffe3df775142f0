"""The demo's own view of ``process-events``: what starts, cools and escalates, as it happens, and how many events."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.codec import decode_event
from streams.core.events import OUTSIDE, Event
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import load_topics

POLL_MS = 200
RECHECK = "recheck_temp"


@dataclass
class Tally:
    """Counted from the log of events itself; ``events`` are those of instances."""

    events: int = 0
    started: int = 0
    cooled: int = 0
    escalated: int = 0
    ended: int = 0


async def follow(settings: Settings, tally: Tally, tell: Callable[[str], None]) -> None:
    """Read all events from the beginning, until cancelled; ``tell`` gets a line for each that a person wants to see."""
    topic = load_topics(settings).events
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **client_options(settings),
    )
    keys: dict[str, str] = {}
    try:
        await consumer.start()
        consumer.assign([TopicPartition(topic.name, number) for number in range(topic.partitions)])
        while True:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    event = decode_event(record.value)
                    if not event.subject.startswith(OUTSIDE):
                        _take(event, tally, keys, tell)
            await asyncio.sleep(0)
    finally:
        await consumer.stop()


def _take(event: Event, tally: Tally, keys: dict[str, str], tell: Callable[[str], None]) -> None:
    tally.events += 1
    if event.type == "started":
        tally.started += 1
        keys[event.subject] = event.data["key"]
        tell(f"{event.time:%H:%M}  {event.data['key']}  {event.data['variables']['temperature']:.1f} °C: cooling")
    elif event.type == "decision_evaluated" and event.activity_id == RECHECK:
        cooled = event.data["result"]
        tally.cooled += cooled
        tally.escalated += not cooled
        tell(f"{event.time:%H:%M}  {keys[event.subject]}  {'cooled' if cooled else 'still hot: escalated'}")
    elif event.type in {"completed", "failed", "timed_out", "cancelled"}:
        tally.ended += 1
