"""A write that is repeated under its Idempotency-Key: which of its commands are in Kafka already, and what they did."""

from streams.core.commands import TopicCommand
from streams.log import LogError
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import unavailable
from weir.client import CommandClient
from weir.decisions import Place, decisions
from weir.watch import Outcome

EARLIER_MS = 300_000
"""So much the clocks of the database and of the broker may differ."""


async def sent_before(settings: Settings, topics: Topics, client: CommandClient, command: TopicCommand) -> Place | None:
    """Where the command is, if somebody has sent it; nobody looks unless the write is repeated.

    Raises ``ProblemError``, ``KafkaError``.
    """
    plan = CURRENT.get()
    if plan is None or not plan.repeated or command.id is None:
        return None
    partition, _ = client.address(command)
    home = TopicPartition(topics.commands.name, partition)
    try:
        async with decisions(settings, topics) as log:
            positions = await log.since(round(plan.at_s * 1000) - EARLIER_MS)
            return (await log.sent({home: positions[home]}, {command.id})).get(command.id)
    except LogError as error:
        raise unavailable("kafka_unreachable", str(error), "Try again.", 1) from error


async def outcome_before(
    settings: Settings, topics: Topics, command: TopicCommand, place: Place, timeout_s: float
) -> Outcome:
    """What the command has led to.  Raises ``ProblemError``, ``KafkaError``, ``TimeoutError``."""
    plan = CURRENT.get()
    assert plan is not None
    assert command.id is not None
    try:
        async with decisions(settings, topics) as log:
            positions = await log.since(round(plan.at_s * 1000) - EARLIER_MS)
            found = await log.outcomes(positions, {command.id: place}, timeout_s)
    except LogError as error:
        raise unavailable("kafka_unreachable", str(error), "Try again.", 1) from error
    if command.id not in found:
        raise TimeoutError
    return found[command.id]
