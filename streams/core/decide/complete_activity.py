"""``complete_activity``: the answer of an action worker, or of a child.  One is accepted; later ones are refused."""

from streams.core.activities import ServiceNode, SubprocessNode
from streams.core.commands import CompleteActivity, FailActivity
from streams.core.decide.answering import ANSWERED
from streams.core.decide.target import KEPT, target_instance
from streams.core.flow.flow import Flow
from streams.core.flow.held import STILL, hold, is_held
from streams.core.places import place_of
from streams.core.schedule import SCHEDULE_PREFIX
from streams.core.schedules import rows
from streams.core.state import Instance
from streams.core.step import run
from streams.core.turn import Turn


def complete_activity(turn: Turn, command: CompleteActivity) -> None:
    """Store the output and go on behind the activity; or start what the rows of a poll stand for."""
    if command.instance_id.startswith(SCHEDULE_PREFIX):
        rows.take(turn, command)
        return
    instance = awaiting(turn, command)
    if instance is None:
        return
    process = turn.process_of(instance)
    node = process.activities[command.activity_id]
    flow = Flow(turn, instance, process)
    assert isinstance(node, ServiceNode | SubprocessNode)
    flow.go(command.token, flow.complete(node, command.execution, command.output, command.token))
    run(flow)


def awaiting(turn: Turn, command: CompleteActivity | FailActivity) -> Instance | None:
    """The instance that waits for this very answer; ``None`` after rejecting it, or holding it."""
    instance = target_instance(turn, command.instance_id, "answer", KEPT)
    if instance is None:
        return None
    wait = instance.waiting.get(place_of(command.activity_id, command.token))
    asked = (command.execution, command.attempt)
    held = instance.held and is_held(instance, command.activity_id, command.token)
    if wait is None or wait.kind not in ANSWERED or (wait.execution, wait.attempt) != asked or held:
        turn.reject(
            "not_awaited",
            f"Instance {instance.id} does not wait for the answer to execution {command.execution}, attempt "
            f"{command.attempt} of activity {command.activity_id!r}: it was answered before, or given up",
            instance.id,
        )
        return None
    if instance.status in STILL:
        hold(turn, instance, command, command.activity_id, command.token)
        return None
    return instance
