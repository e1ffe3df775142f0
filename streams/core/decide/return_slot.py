"""``return_slot``: an instance that had a slot, or waited for one, has ended."""

from streams.core.commands import ReturnSlot
from streams.core.schedules.entity import emit, schedule_of
from streams.core.schedules.slots import grant_waiting
from streams.core.turn import Turn


def return_slot(turn: Turn, command: ReturnSlot) -> None:
    """Give what is free to those that wait."""
    entity = schedule_of(turn, command.definition_id)
    instance = command.instance_id
    if instance not in entity.running and instance not in entity.waiting:
        turn.reject("no_slot", f"Instance {instance} has no slot, and waits for none", instance)
        return
    grant_waiting(turn, emit(turn, entity, "slot_returned", {"instance_id": instance}))
