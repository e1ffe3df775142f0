"""What a client of the stream of everything has missed: read from the topic, and told round by round.

A round is read first and then told, with the place up to where it was read: so whoever reads slowly holds none of the
few readers meanwhile, and whoever goes in the middle goes on from there.  Before the first round is told, the client's
own place stays as it was.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from streams.codec import decode_event_head
from streams.log import Span, opened
from streams.settings import Settings
from streams.transport.port import TopicPartition
from weir.api.following.answers import ANSWERED, without_answers
from weir.api.following.feed import Wanted, frame, id_frame, wants
from weir.api.following.follower import Follower
from weir.api.problems import ProblemError, unavailable

ROUND_BYTES = 4 * 1024 * 1024
"""After so much a round ends, whatever there is to come."""
MAX_BEHIND = 1_000_000
"""Offsets that a stream may have missed."""
READERS = asyncio.Semaphore(8)
"""Rounds that are read at the same time."""
REACH_S, LOOK_S = 5.0, 0.05
"""How long a gateway that has just started, or reads behind the one where the client was, is waited for."""
Places = dict[int, int]
"""Offsets by partition."""


async def reached(follower: Follower, places: Places) -> None:
    """Return when this gateway has come to ``places``.  Raises ``ProblemError`` when that takes long, or cannot be."""
    try:
        async with asyncio.timeout(REACH_S):
            await follower.ready.wait()
            while places.keys() <= (now := follower.event_positions()).keys():
                if all(offset <= now[partition] for partition, offset in places.items()):
                    return check_behind(follower, places)
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        if not follower.ready.is_set():
            detail = "This gateway has not come to the events yet"
            raise unavailable("kafka_unreachable", detail, "Try again.", 1) from None
    raise wrong_id("Expected the id of an event of this stream, but the topic does not reach so far")


def check_behind(follower: Follower, places: Places) -> None:
    """Raises ``ProblemError`` (410) for more than is read for one client."""
    now = follower.event_positions()
    behind = sum(now[partition] - offset for partition, offset in places.items())
    if behind > MAX_BEHIND:
        detail = f"Expected to resume at most {MAX_BEHIND} events ago, but these are up to {behind}"
        raise ProblemError(410, "too_far_behind", detail, "Begin anew, and read what came before by GET /processes.")


async def missed(
    settings: Settings, topic: str, since: Mapping[int, int], until: Mapping[int, int], wanted: Wanted
) -> AsyncIterator[bytes]:
    """Events from ``since`` up to ``until`` (by partition), in frames, each round with its place behind.

    Raises ``KafkaError``, ``LogError``.
    """
    at = dict(until) | dict(since)
    while left := {TopicPartition(topic, one): Span(at[one], end) for one, end in until.items() if at[one] < end}:
        frames, size = [], 0
        async with READERS, opened(settings) as log, aclosing(log.read(left)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                for value in (record.value for record in chunk.records if record.value):
                    head = decode_event_head(value)
                    if wants(wanted, head.type, head.definition_id):
                        hides = head.type in ANSWERED and not wanted[2]
                        frames.append(frame(head.type, without_answers(value) if hides else value))
                        size += len(frames[-1])
                at[chunk.tp.partition] = chunk.end
                if size > ROUND_BYTES:
                    break
        yield b"".join([*frames, id_frame(at)])


def wrong_id(message: str) -> ProblemError:
    """422 for what is no place in a stream."""
    fix = "Begin without Last-Event-ID."
    return ProblemError(422, "invalid_request", message, fix, errors=[("header.last-event-id", message)])
