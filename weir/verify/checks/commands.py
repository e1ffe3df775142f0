"""Every acknowledged command has exactly one outcome: its events, or one rejection, or one dead letter.

For whoever has sent commands and knows where Kafka put them.  Ask once they are processed.  A command that was
forwarded to its home stands there again with the same command id, and has its outcome there; so an id must be the
sender's only one.  What led to a rejection or a dead letter may also have condemned its instance, which is one event,
``failed``.  A reading (``observe``) has no outcome that the log shows.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from streams.codec import BadRecordError, decode_command, decode_event
from streams.core.events import Event
from streams.log import Log, Span
from streams.staging import HOPS_HEADER
from streams.topics import Topic, Topics
from streams.transport.port import Chunk, TopicPartition
from weir.verify.report import Difference

NAME = "command"
CONDEMNED = frozenset({"incident", "limit"})
ONCE = frozenset({"started", "cancelled", "signal_received", "signal_buffered", "definition_deployed"})
"""What a command does to a subject at most once."""
Place = tuple[int, int]
"""Partition and offset on ``process-commands``."""


class Acknowledged(NamedTuple):
    """A command that Kafka has acknowledged; ``command_id`` is the sender's own."""

    partition: int
    offset: int
    command_id: str | None = None


@dataclass
class Outcome:
    """What became of a command at one place.  ``taken`` counts by subject what only one command can cause once."""

    events: int = 0
    condemned: int = 0
    rejections: int = 0
    dead_letters: int = 0
    taken: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def accepted(self) -> bool:
        """Whether there are events, other than the one that condemns."""
        return self.events > self.condemned

    @property
    def count(self) -> int:
        """How many outcomes: one is right."""
        return self.accepted + self.rejections + self.dead_letters


class _Rejection(msgspec.Struct):
    partition: int
    offset: int


_rejection = msgspec.json.Decoder(_Rejection)


async def check_commands(log: Log, topics: Topics, acknowledged: Sequence[Acknowledged]) -> list[Difference]:
    """What is wrong with the outcomes of ``acknowledged``.  Raises ``LogError``, ``KafkaError``."""
    outcomes = await _outcomes(log, topics)
    copies = await _forwarded(log, topics.commands)
    return judge(acknowledged, outcomes, copies)


def judge(
    acknowledged: Iterable[Acknowledged],
    outcomes: Mapping[Place, Outcome],
    copies: Mapping[str, Sequence[Place]],
) -> list[Difference]:
    """``copies`` are the places of forwarded records, by command id."""
    differences = []
    for one in acknowledged:
        places = [(one.partition, one.offset), *(copies.get(one.command_id, []) if one.command_id else [])]
        found = [outcomes[place] for place in places if place in outcomes]
        if (why := _wrong(found)) is not None:
            where = f"at {one.partition}:{one.offset}"
            differences.append(Difference(NAME, one.command_id or where, None, f"outcome: {why} (command {where})"))
    return differences


def _wrong(found: list[Outcome]) -> str | None:
    count = sum(one.count for one in found)
    if count != 1:
        accepted = sum(one.accepted for one in found)
        rejections, letters = sum(one.rejections for one in found), sum(one.dead_letters for one in found)
        return f"expected exactly one, but got {accepted} with events, {rejections} rejections, {letters} dead letters"
    twice = [f"{kind} of {subject}" for one in found for (kind, subject), times in one.taken.items() if times > 1]
    return f"expected it to be carried out once, but the log has {twice[0]} more than once" if twice else None


async def _outcomes(log: Log, topics: Topics) -> dict[Place, Outcome]:
    outcomes: defaultdict[Place, Outcome] = defaultdict(Outcome)
    async for chunk in _whole(log, topics.events):
        for record in chunk.records:
            event = decode_event(record.value or b"")
            partition, _, offset = event.cause.partition(":")
            if offset != "timer":
                take_event(outcomes[int(partition), int(offset)], event)
    async for chunk in _whole(log, topics.rejections):
        for record in chunk.records:
            rejected = _rejection.decode(record.value or b"")
            outcomes[rejected.partition, rejected.offset].rejections += 1
    async for chunk in _whole(log, topics.dead_letters):
        for record in chunk.records:
            ours = dict(reversed(record.headers))  # the record's original headers follow ours
            if ours.get("weir_topic") == topics.commands.name.encode():
                outcomes[int(ours["weir_partition"] or b""), int(ours["weir_offset"] or b"")].dead_letters += 1
    return outcomes


def take_event(outcome: Outcome, event: Event) -> None:
    """Count an event that the command has caused."""
    outcome.events += 1
    outcome.condemned += event.type == "failed" and event.data.get("error_type") in CONDEMNED
    # At a start each signal that was held is received, as many as there are.
    held = event.type == "signal_received" and ("started", event.subject) in outcome.taken
    if event.type in ONCE and not held:
        outcome.taken[event.type, event.subject] += 1


async def _forwarded(log: Log, topic: Topic) -> dict[str, list[Place]]:
    """Where each forwarded command stands, by its id."""
    copies: defaultdict[str, list[Place]] = defaultdict(list)
    async for chunk in _whole(log, topic):
        for record in chunk.records:
            if any(name == HOPS_HEADER for name, _ in record.headers):
                try:
                    command = decode_command(record.value)
                except BadRecordError:
                    continue  # a dead letter, found as that
                if command.id is not None:
                    copies[command.id].append((chunk.tp.partition, record.offset))
    return copies


async def _whole(log: Log, topic: Topic) -> AsyncIterator[Chunk]:
    tps = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    spans: dict[TopicPartition, Span] = await log.settled(tps)
    async for chunk in log.read(spans):
        yield chunk
