"""``migrate``: an instance goes on with another version of its definition."""

from typing import Any

from streams.core.commands import Migrate, RequestSlot
from streams.core.decide.target import KEPT, target_instance
from streams.core.flow import children, message
from streams.core.flow.flow import Flow
from streams.core.flow.held import is_held
from streams.core.migration import SAFE, Mapping, plan
from streams.core.places import split_place
from streams.core.process import Process, UnusableError
from streams.core.state import UNENDED, Instance, Wait
from streams.core.step import run
from streams.core.turn import Turn


def migrate(turn: Turn, command: Migrate) -> None:
    """Move the instance, where that is safe; else the rejection tells what stands against it."""
    instance = target_instance(turn, command.instance_id, "migrate", KEPT)
    if instance is None:
        return
    process = _version(turn, instance, command.version)
    if process is None:
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
    heard = {place: wait for place, wait in instance.waiting.items() if wait.correlation is not None}
    turn.emit(instance, "migrated", data, message=command.reason)
    _subscribe_anew(turn, instance, heard)
    if limit is not None and "slot" in data:
        turn.follow_up(RequestSlot(definition_id=process.id, instance_id=instance.id, limit=limit, running=True))
    flow = Flow(turn, instance, process)
    flow.store(planned.variables, None)
    if instance.status == "running":
        message.take_held(flow)  # what is awaited under another name may have come under it
        run(flow)


def _version(turn: Turn, instance: Instance, version: int) -> Process | None:
    """The process to go on with; ``None`` after rejecting one that there is not, or that cannot be used."""
    try:
        process = turn.around.process(instance.definition_id, version)
    except UnusableError as error:
        turn.reject("unusable_definition", str(error), instance.id)
        return None
    if process is None:
        text = f"{instance.definition_id} has no version {version}. `weir definitions` lists them"
        turn.reject("unknown_definition", text, instance.id)
    return process


def _subscribe_anew(turn: Turn, instance: Instance, heard: dict[str, Wait]) -> None:
    """What waits under a correlation key does so by its names of now.  ``heard`` are the waits as they were, by place.

    A message that is under way by the old ones comes back to its key, and from there.
    """
    before = {_line(place, wait): (place, wait) for place, wait in heard.items()}
    for place, wait in instance.waiting.items():
        was_at, was = before.get(_line(place, wait), (place, wait))
        if wait.correlation is not None and (place, wait.name) != (was_at, was.name):
            children.unsubscribe(turn, instance, was_at, was)
            if not is_held(instance, *split_place(place)):
                children.subscribe(turn, instance, place, wait)


def _line(place: str, wait: Wait) -> tuple[str | None, int]:
    return split_place(place)[1], wait.execution


def _runs_without_a_slot(instance: Instance) -> bool:
    """Whether it has begun and not asked for one: who has yet to begin or to be retried asks then."""
    begun = not any(wait.kind == "start" for wait in instance.waiting.values())
    return begun and not instance.slot and instance.status in UNENDED
