"""Events as they happen (server-sent events), of everything and of one instance; resumable by ``Last-Event-ID``.

The stream of everything begins now, or behind ``Last-Event-ID``: what came since is read from the topic.  That of an
instance begins with its first event, or behind ``Last-Event-ID``: from the database, until it has caught up.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from projections.queries import history as query
from streams.core.events import EventType
from streams.log import LogError
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import Responses
from weir.api.following.answers import sees_answers, shown_to
from weir.api.following.feed import Listener, frame, id_frame, read_positions
from weir.api.following.follower import Follower
from weir.api.following.missed import missed, reached, wrong_id
from weir.api.following.rights import Rights
from weir.api.problems import ProblemError, document, unavailable
from weir.api.reading_back import DEFAULT_S, shown
from weir.api.routes.process_models import Name
from weir.api.routes.processes import own_id
from weir.api.sending import follower_of
from weir.replay.instance import event_of

HEARTBEAT_S = 15.0
"""After so long without an event a comment is sent: proxies close what is silent."""
LOOK_S, LOOKS = 0.5, 10
"""How often the database is asked for events that were under way when a stream began, or that are missing."""
PAGE = 500
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
TOO_SLOW = ProblemError(
    503,
    "too_slow",
    "Events came faster than they were read",
    "Connect again with Last-Event-ID; ask for fewer types of events.",
)
STREAM: Responses = {
    200: {
        "description": "A stream of events: `event` is the type, `data` the event",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=100_000, description="The id of the last event that came.")
]
Viewer = Annotated[Principal, needs("processes:view")]

router = APIRouter()


@router.get(
    "/events",
    response_model=None,
    response_class=StreamingResponse,
    responses=STREAM,
)
async def events(
    request: Request,
    who: Viewer,
    type: Annotated[list[EventType] | None, Query(description="Only events of these types.")] = None,  # noqa: A002
    definition: Annotated[Name | None, Query(description="Only of this definition.")] = None,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Every event, as it is committed; without answers to tasks, unless one sees all tasks."""
    follower = follower_of(request)
    listener = Listener(types=frozenset(type or ()), definition=definition, answers=sees_answers(who))
    since = None if last_event_id is None else await _since(follower, last_event_id)
    return StreamingResponse(
        _all(request, who, follower, listener, since), headers=HEADERS, media_type="text/event-stream"
    )


@router.get(
    "/processes/{instance_id}/events",
    response_model=None,
    response_class=StreamingResponse,
    responses=STREAM,
)
async def instance_events(
    instance_id: str, request: Request, who: Viewer, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Every event of an instance, from its first one; without answers to tasks, unless one sees all tasks."""
    known, after = own_id(instance_id, "path.instance_id"), last_event_id or "0"
    if not (after.isascii() and after.isdecimal() and len(after) < 10):  # noqa: PLR2004  a seq
        raise wrong_id(f"Expected a seq as Last-Event-ID, but got {after[:80]!r}")
    await shown(request, known, DEFAULT_S)  # or 404
    return StreamingResponse(_one(request, who, known, int(after)), headers=HEADERS, media_type="text/event-stream")


async def _all(
    request: Request, who: Principal, follower: Follower, listener: Listener, since: dict[int, int] | None
) -> AsyncIterator[bytes]:
    rights = Rights(request, who)
    with follower.feed.listening(listener):
        now = follower.event_positions()  # from here on the listener gets them
        if since is None:
            yield id_frame(now)
        else:
            try:
                async for some in missed(
                    request.app.state.settings, follower.events_topic, since, now, listener.wanted
                ):
                    yield some
            except (KafkaError, LogError) as error:
                yield _error(unavailable("kafka_unreachable", str(error), "Connect again with Last-Event-ID.", 1))
                return
        while not listener.overflowed:
            frames = await listener.taken(HEARTBEAT_S)
            if (why := await rights.over()) is not None:
                yield _error(why)
                return
            yield b"".join(one for _, one in frames) or b":\n\n"
        yield _error(TOO_SLOW)


async def _one(request: Request, who: Principal, instance_id: str, last: int) -> AsyncIterator[bytes]:
    """From the database until it has no more, then as they come; again from the database when one is missing."""
    listener, looks = Listener(instance_id.encode(), answers=sees_answers(who)), LOOKS
    rights = Rights(request, who)
    with follower_of(request).feed.listening(listener):
        while not listener.overflowed:
            if (why := await rights.over()) is not None:
                yield _error(why)
                return
            try:
                async with reading(request) as connection:
                    page = await query(connection, instance_id, after_seq=last, limit=PAGE)
            except ProblemError as error:
                yield _error(error)
                return
            if page:
                last = page[-1].seq
                yield b"".join(
                    frame(one.event_type, msgspec.json.encode(event_of(instance_id, one)), str(one.seq))
                    for one in shown_to(who, page)
                )
                continue
            while frames := await listener.taken(LOOK_S if looks else HEARTBEAT_S):
                if (why := await rights.over()) is not None:
                    yield _error(why)
                    return
                fresh = [(seq, made) for seq, made in frames if seq > last]
                if fresh and fresh[0][0] != last + 1:
                    looks = LOOKS
                    break
                if fresh:
                    last = fresh[-1][0]
                    yield b"".join(made for _, made in fresh)
            else:
                looks = max(0, looks - 1)
                yield b":\n\n"
        yield _error(TOO_SLOW)


def _error(problem: ProblemError) -> bytes:
    """The last event of a stream that ends."""
    return frame("error", msgspec.json.encode(document(problem)))


async def _since(follower: Follower, last_event_id: str) -> dict[int, int]:
    """From where on the topic has to be read.  Raises ``ProblemError``."""
    try:
        was = read_positions(last_event_id)
    except ValueError as error:
        raise wrong_id(str(error)) from None
    await reached(follower, was)
    return was
