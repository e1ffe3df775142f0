"""Where the processor resumes in a partition: behind the last command that was processed.

The log's traces (``traces.py``) are a lower bound, since readings leave none.  Two more witnesses may know better: the
position record of the changelog, written with the state, and the offset that the processor shows in its consumer group,
which trails it by up to a second.  Each tells of commands that were processed, so the highest of the three is right:
between it and the truth are readings only, and a reading that is taken once more changes nothing.

A forwarded command must not be taken twice: its new copy would have another offset, and start or signal once more.  A
copy names its original; logs written before it did need one of the other witnesses.

A witness may be wrong: a record changed by hand, a group's offset reset, or a log that has lost its end.  A command
below the witness's position, and behind the last trace, that must have left a trace and has not, was never processed.
Then nothing is guessed: to go on at the witness would skip the command, to go on at the trace may repeat what a lost
log told of.
"""

from collections.abc import Mapping
from typing import NamedTuple

import structlog
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka import client_options
from streams.log import Log, Span
from streams.settings import Settings
from streams.topics import Topics, group_of
from streams.transport.port import TopicPartition
from weir.replay.errors import ReplayError
from weir.replay.traces import Traces, must_leave_trace

logger = structlog.get_logger("weir.replay")


class Witness(NamedTuple):
    """Who says that all commands before ``position`` were processed, and what to do when that is wrong."""

    name: str
    position: int
    remedy: str


class Resume(NamedTuple):
    """``position`` is the next offset to process, ``None`` when nothing was; ``gone`` is how many offsets before it the
    topic no longer holds, of which nobody says that they were processed.
    """

    position: int | None
    gone: int


async def group_positions(settings: Settings, topics: Topics) -> dict[int, int]:
    """The positions that the processor shows in its consumer group, by partition."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        committed = await admin.list_consumer_group_offsets(group_of(settings, "processor"))
    finally:
        await admin.close()
    return {
        tp.partition: found.offset
        for tp, found in committed.items()
        if tp.topic == topics.commands.name and found.offset >= 0
    }


def witnesses(topics: Topics, in_changelog: bytes | None, in_group: int | None) -> list[Witness]:
    """Those that there are.  ``in_changelog`` is the position record; one that is no number tells nothing."""
    found: list[Witness] = []
    if in_changelog is not None and in_changelog.isdigit():
        remedy = f"if the record in {topics.changelog.name} is what is wrong, run it again with --ignore-changelog"
        found.append(Witness("the changelog", int(in_changelog), remedy))
    if in_group is not None:
        remedy = "if the group's offset was set by hand, set it back (kafka-consumer-groups.sh --reset-offsets)"
        found.append(Witness("the consumer group", in_group, remedy))
    return found


async def resume_at(
    log: Log, topics: Topics, tp: TopicPartition, traces: Traces, known: list[Witness], evidence_since_ms: int
) -> Resume:
    """Where to go on in ``tp``.

    Traces of commands appended before ``evidence_since_ms`` (Unix ms) may have expired.  Raises ``ReplayError``.
    """
    span = (await log.settled([tp]))[tp]
    traced = await _traced(log, topics, tp, traces, span, evidence_since_ms)
    if traced is not None and traced > span.end:
        raise ReplayError(
            f"Expected {_place(tp)} to hold the command at {traced - 1}, which the log tells of, but it ends at "
            f"{span.end}: the topic was made anew, or has lost its end",
            f"Restore {tp.topic}: to go on at {span.end} would take other commands for those.",
        )
    start = max(traced or 0, span.start)
    for witness in known:
        if witness.position > span.end:
            raise ReplayError(
                f"Expected {_place(tp)} to reach offset {witness.position}, as {witness.name} says, but it ends at "
                f"{span.end}",
                f"Restore {tp.topic}; {witness.remedy}.",
            )
    position = max([start, *(witness.position for witness in known)])
    missing = await _without_trace(log, topics, tp, Span(start, position), evidence_since_ms)
    if missing is not None:
        doubtful = next(witness for witness in known if witness.position > missing)
        raise ReplayError(
            f"{doubtful.name.capitalize()} says that {_place(tp)} was processed up to {doubtful.position}, but the log "
            f"does not tell what became of the command at {missing}",
            f"If {topics.events.name} has lost its end, restore it; {doubtful.remedy}.",
        )
    if traced is None and not known:
        return Resume(span.start or None, 0)
    told = max([traced or 0, *(witness.position for witness in known)])
    if told < position:
        logger.warning("commands are gone, processed or not", partition=tp.partition, first=told, next=position)
    return Resume(position, position - told)


async def _traced(
    log: Log, topics: Topics, tp: TopicPartition, traces: Traces, span: Span, evidence_since_ms: int
) -> int | None:
    """The offset after the last trace.  A copy that names an original beyond commands without a trace is not one that
    the processor made: somebody sent it with that header.
    """
    traced, forwarded = traces.after(tp.partition), traces.forwarded[tp.partition]
    start = max(traced or 0, span.start)
    if forwarded <= start:
        return traced
    between = Span(start, min(forwarded, span.end))
    if forwarded <= span.end and await _without_trace(log, topics, tp, between, evidence_since_ms) is None:
        return forwarded
    logger.warning("a command's header weir_from names no forwarded command", partition=tp.partition, next=forwarded)
    return traced


async def _without_trace(
    log: Log, topics: Topics, tp: TopicPartition, span: Span, evidence_since_ms: int
) -> int | None:
    """The first command of ``span``, which lies behind all traces, that would have left one."""
    missing: int | None = None
    async for chunk in log.read({tp: span}):
        for record in chunk.records:
            expired = record.timestamp < evidence_since_ms
            if missing is None and not expired and must_leave_trace(record, tp.partition, topics.partitions):
                missing = record.offset
    return missing


def evidence_since(topics: Topics, now_ms: int) -> int:
    """Commands appended from then on (Unix ms) have all their traces; of older ones they may have expired."""
    kept = [_retention_ms(topic.config) for topic in (topics.rejections, topics.dead_letters)]
    return now_ms - min((ms for ms in kept if ms >= 0), default=now_ms)


def _retention_ms(config: Mapping[str, str]) -> int:
    return int(config.get("retention.ms", "604800000"))  # Kafka's default: a week


def _place(tp: TopicPartition) -> str:
    return f"{tp.topic}[{tp.partition}]"
