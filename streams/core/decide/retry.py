"""``retry``: an instance goes on at the activity where it failed, or where its incidents are, as new executions.

A failed instance stands still as a whole; of one with incidents only the tokens do that met them.
"""

from streams.core.commands import Retry
from streams.core.decide.target import target_instance
from streams.core.flow import message
from streams.core.flow.flow import Flow
from streams.core.flow.held import release
from streams.core.flow.signals import release_signals
from streams.core.places import split_place
from streams.core.state import BROKEN, UNENDED, Instance
from streams.core.step import run
from streams.core.turn import Turn


def retry(turn: Turn, command: Retry) -> None:
    """Let the instance run again, unless another one runs for its key where there may be but one."""
    instance = target_instance(turn, command.instance_id, "retry", BROKEN | UNENDED)
    if instance is None:
        return
    if instance.status in UNENDED:
        _resolve(turn, instance, command)
    elif not _is_refused(turn, instance):
        _go_on(turn, instance, command)


def _resolve(turn: Turn, instance: Instance, command: Retry) -> None:
    incidents = [(place, wait) for place, wait in instance.waiting.items() if wait.kind == "incident"]
    if not incidents or instance.status != "running":
        what = "it has no incident" if instance.status == "running" else f"it is {instance.status}"
        turn.reject("nothing_to_retry", f"Cannot retry instance {instance.id}: {what}", instance.id)
        return
    flow = Flow(turn, instance, turn.process_of(instance))
    for place, wait in incidents:
        activity_id, token = split_place(place)
        data = {"execution": wait.execution, "reason": command.reason}
        flow.emit("incident_resolved", data, activity_id, token, command.reason)
        flow.go(token, activity_id)
    run(flow)


def _go_on(turn: Turn, instance: Instance, command: Retry) -> None:
    failure, held = instance.failure, instance.held
    assert failure is not None
    data = {"reason": command.reason, "was": instance.status}
    turn.emit(instance, "retried", data, failure.activity_id, failure.token, command.reason)
    release_signals(turn, instance)
    flow = Flow(turn, instance, turn.process_of(instance))
    message.take_held(flow)
    release(turn, instance, held)
    if failure.activity_id is not None:
        flow.go(failure.token, failure.activity_id)
    run(flow)


def _is_refused(turn: Turn, instance: Instance) -> bool:
    process, failure = turn.process_of(instance), instance.failure
    others = turn.running_of_key(instance.key, process.id) if process.mode != "parallel" else []
    if others:
        text = (
            f"Cannot retry instance {instance.id}: {others[0].id} runs for key {instance.key!r} now. "
            f"Expected one running instance a key (mode: {process.mode}): wait for it, or cancel it"
        )
        turn.reject("already_running", text, instance.id)
    elif failure is None or (failure.activity_id is None and not instance.waiting):
        text = f"Cannot retry instance {instance.id}: it failed at no activity that it could go on from. Start it anew"
        turn.reject("nothing_to_retry", text, instance.id)
    else:
        return False
    return True
