"""Reading what one has just written: an instance that the database does not have yet.

The projector is some tens of milliseconds behind.  A question for an instance that has just been started waits for it;
for one that this gateway has sent itself there is an answer in any case.
"""

import asyncio
import time

import msgspec
from fastapi import Request

from projections.queries import InstanceNow, upcoming
from projections.queries import instance as query
from streams.core.ids import started_at_ms
from streams.settings import Settings
from weir.api.database import reading
from weir.api.following.follower import Follower
from weir.api.problems import ProblemError
from weir.api.refusals import refused
from weir.api.sending import follower_of

DEFAULT_S = 2.0
FRESH_S = 60.0
"""An instance that started longer ago is in the database, or never was: nobody waits for it."""
FIRST_S, MOST_S = 0.02, 0.2
"""How long until the database is asked again: twice as long each time."""
LOOK_S, MOST_LOOK_S = 0.25, 5.0
"""The same while the end of an instance is waited for, which events tell sooner."""
ENDED = frozenset({"completed", "failed", "cancelled", "timeout"})


class AcceptedStart(msgspec.Struct, frozen=True, kw_only=True):
    """A start that Kafka has, and the database not yet."""

    id: str
    definition_id: str
    business_key: str | None
    status: str = "accepted"


async def shown(request: Request, instance_id: str, wait_s: float, least_seq: int = 0) -> InstanceNow | AcceptedStart:
    """The instance with all events up to ``least_seq``, waiting for it if that makes sense.

    Raises ``ProblemError``: 404 for what there is not, with the reason if it was refused.
    """
    follower, fresh = follower_of(request), is_fresh(request.app.state.settings, instance_id)
    deadline, pause_s = time.monotonic() + wait_s, FIRST_S
    while True:
        async with reading(request) as connection:
            found = await query(connection, instance_id)
            if found is not None and found.last_seq >= least_seq:
                return await upcoming(connection, found)
        if found is None and (why := _refusal(follower, instance_id)) is not None:
            raise why
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not (fresh or least_seq):
            break
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(MOST_S, pause_s * 2)
    if found is not None:
        return found
    if (start := follower.lately.start(instance_id)) is None:
        raise unknown_instance(instance_id)
    return AcceptedStart(id=instance_id, definition_id=start.definition_id, business_key=start.key)


async def shown_when_ended(request: Request, instance_id: str, wait_s: float) -> InstanceNow | AcceptedStart:
    """The instance when it has ended, or as it is after ``wait_s``.  Raises ``ProblemError``.

    The end may have been read just before this began to wait for it, and not yet be in the database: so that is asked
    again, too.
    """
    deadline, pause_s = time.monotonic() + wait_s, LOOK_S
    with follower_of(request).endings.expect(instance_id) as future:
        found = await shown(request, instance_id, min(DEFAULT_S, wait_s))
        while found.status not in ENDED and (left_s := deadline - time.monotonic()) > 0:
            done, _ = await asyncio.wait([future], timeout=min(pause_s, left_s))
            found = await shown(request, instance_id, DEFAULT_S, future.result().seq if done else 0)
            pause_s = min(MOST_LOOK_S, pause_s * 2)
    return found


def is_fresh(settings: Settings, instance_id: str) -> bool:
    """Whether the instance may have started so lately that the projector has not come to it."""
    started_s = settings.plant_clock.wall_ms(started_at_ms(instance_id)) / 1000
    return abs(time.time() - started_s) < FRESH_S


def _refusal(follower: Follower, instance_id: str) -> ProblemError | None:
    """A start that was refused because there is one with that id already is no refusal of that one."""
    why = follower.lately.refusal(instance_id)
    if why is None or why.reason == "already_exists":
        return None
    told = refused(why, "Correct the cause, and start anew: this id will never be an instance.")
    return ProblemError(404, told.kind, f"The start of {instance_id} was refused. {told.detail}", told.fix)


def unknown_instance(instance_id: str) -> ProblemError:
    """404."""
    return ProblemError(
        404,
        "unknown_instance",
        f"There is no instance {instance_id} in the database",
        "A new one appears when the projector has caught up; a start that was refused never does.",
    )
