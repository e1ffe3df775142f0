"""The commands of one page: sent once, whoever has begun with it; and what became of them."""

import asyncio
from collections.abc import Collection, Sequence

from aiokafka import AIOKafkaProducer

from streams.codec import encode_command
from streams.core.commands import TopicCommand
from streams.core.durations import instant_text
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from weir.api.bulk.table import Page, Refusal, Work
from weir.client import CommandClient
from weir.decisions import Decisions, Place, Positions
from weir.watch import Accepted, Outcome, Refused

TRANSACTION_TIMEOUT_MS = 10_000
"""So long a gateway that dies in the middle of a page holds up what others send to the same partitions."""
RETRY_MS = 20
EARLIER_MS = 300_000
"""So much the clocks of the gateway and of the broker may differ."""
UNKNOWN = "unknown_outcome"
Sent = tuple[Positions, dict[str, Place]]
"""From where on the outcomes are to be read, and where each command is, by its id."""


def writer(settings: Settings, name: str) -> AIOKafkaProducer:
    """For ``async with``: entering it fences whoever has worked on the operation ``name`` before."""
    return AIOKafkaProducer(
        acks="all",
        transactional_id=f"{settings.app_id}-bulk-{name}",
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        retry_backoff_ms=RETRY_MS,
        **client_options(settings),
    )


def is_beyond_log(page: Page, keep_s: float, now_ms: float) -> bool:
    """Whether commands of the page may have been sent, decided and deleted: it cannot be told, and none is sent again.

    ``keep_s``: for how long commands stay in their topic after they were processed.
    """
    return page.sent or now_ms - page.at_ms > keep_s * 1000 - EARLIER_MS


def unknown(page: Page, places: Collection[str], ids: Sequence[str]) -> list[Refusal]:
    """Those instances of the page whose commands, by their ``ids``, the log has no more."""
    message = (
        f"Whether it was done is not known: the command of {instant_text(page.at_ms)} is no longer in the log, and is "
        "not sent a second time. Look at the instance"
    )
    return [Refusal(one, UNKNOWN, message) for one, id_ in zip(page.ids, ids, strict=True) if id_ not in places]


async def sent_before(log: Decisions, work: Work, commands: Sequence[TopicCommand]) -> Sent | None:
    """What a gateway has sent that has not come to say so; ``None``: nothing.  Its predecessors are fenced."""
    if work.page is None:
        return None
    positions = await log.since(work.page.at_ms - EARLIER_MS)
    places = await log.sent(positions, {command.id or "" for command in commands})
    return (positions, places) if places else None


async def send(
    producer: AIOKafkaProducer, log: Decisions, topics: Topics, client: CommandClient, commands: Sequence[TopicCommand]
) -> Sent:
    """All of them, or none.  Raises ``KafkaError``."""
    positions = await log.now()
    records = [(command, encode_command(command), *client.address(command)) for command in commands]
    async with producer.transaction():
        acknowledged = [
            await producer.send(topics.commands.name, raw, key=key.encode(), partition=partition)
            for _, raw, partition, key in records
        ]
        metadata = await asyncio.gather(*acknowledged)
    places = {command.id or "": (one.partition, one.offset) for command, one in zip(commands, metadata, strict=True)}
    return positions, places


def refusal(instance_id: str, outcome: Outcome) -> Refusal | None:
    """Why the command for an instance was not carried out; ``None``: it was."""
    match outcome:
        case Accepted():
            return None
        case Refused():
            return Refusal(instance_id, outcome.reason, outcome.message)
        case _:
            return Refusal(instance_id, "dead_letter", outcome.message)
