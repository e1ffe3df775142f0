"""``request_slot``: an instance wants to run, of a definition that has a limit."""

from streams.core.commands import RequestSlot
from streams.core.schedules.entity import emit, schedule_of
from streams.core.schedules.slots import grant, grant_waiting
from streams.core.turn import Turn


def request_slot(turn: Turn, command: RequestSlot) -> None:
    """Give it a slot, or let it wait behind the others; one that runs already waits for nothing."""
    entity = schedule_of(turn, command.definition_id)
    instance, limit = command.instance_id, command.limit
    if instance in entity.running or instance in entity.waiting:
        turn.reject("already_requested", f"Instance {instance} has a slot, or waits for one", instance)
    elif command.running:
        emit(turn, entity, "slot_granted", {"instance_id": instance, "limit": limit, "running": True})
    elif not entity.waiting and len(entity.running) < limit:
        grant(turn, entity, instance, limit)
    else:
        grant_waiting(turn, emit(turn, entity, "slot_awaited", {"instance_id": instance, "limit": limit}))
