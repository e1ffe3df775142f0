"""``migrate``: an instance goes on with another version of its definition."""

from typing import Any

from streams.core.commands import Migrate, RequestSlot
from streams.core.decide.target import KEPT, target_instance
from streams.core.flow.flow import Flow
from streams.core.migration import SAFE, Mapping, plan
from streams.core.state import UNENDED, Instance
from streams.core.turn import Turn


def migrate(turn: Turn, command: Migrate) -> None:
    """Move the instance, where that is safe; else the rejection tells what stands against it."""
    instance = target_instance(turn, command.instance_id, "migrate", KEPT)
    if instance is None:
        return
    process = turn.around.process(instance.definition_id, command.version)
    if process is None:
        text = f"{instance.definition_id} has no version {command.version}. `weir definitions` lists them"
        turn.reject("unknown_definition", text, instance.id)
        return
    if instance.definition_version == command.version:
        turn.reject("unchanged", f"Instance {instance.id} is of version {command.version} already", instance.id)
        return
    planned = plan(instance, turn.process_of(instance), process, Mapping(command.activities, command.variables))
    if planned.verdict != SAFE:
        turn.reject(
            planned.verdict, f"Cannot migrate instance {instance.id}: {'; '.join(planned.problems)}", instance.id
        )
        return
    data: dict[str, Any] = {
        "from_version": instance.definition_version,
        "to_version": process.version,
        "was": instance.status,
        "reason": command.reason,
    }
    if planned.activities:
        data["activities"] = planned.activities
    if planned.messages:
        data["messages"] = planned.messages
    limit = process.definition.concurrency
    if limit is not None and _runs_without_a_slot(instance):
        data["slot"] = True
    turn.emit(instance, "migrated", data, message=command.reason)
    if limit is not None and "slot" in data:
        turn.follow_up(RequestSlot(definition_id=process.id, instance_id=instance.id, limit=limit, running=True))
    Flow(turn, instance, process).store(planned.variables, None)


def _runs_without_a_slot(instance: Instance) -> bool:
    """Whether it has begun and not asked for one: who has yet to begin or to be retried asks then."""
    begun = not any(wait.kind == "start" for wait in instance.waiting.values())
    return begun and not instance.slot and instance.status in UNENDED
