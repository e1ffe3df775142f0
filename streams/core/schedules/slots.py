"""Slots: how many instances of a definition run at once, whatever their keys, and who is next."""

from streams.core.commands import ReleaseStart
from streams.core.schedule import Schedule
from streams.core.schedules.entity import emit
from streams.core.turn import Turn


def grant(turn: Turn, entity: Schedule, instance_id: str, limit: int) -> Schedule:
    """Give the instance a slot."""
    after = emit(turn, entity, "slot_granted", {"instance_id": instance_id, "limit": limit})
    turn.follow_up(ReleaseStart(instance_id=instance_id, behind="slots"))
    return after


def grant_waiting(turn: Turn, entity: Schedule) -> None:
    """Give the free slots to those that wait, in their order."""
    while entity.waiting and len(entity.running) < entity.limit:
        entity = grant(turn, entity, entity.waiting[0], entity.limit)
