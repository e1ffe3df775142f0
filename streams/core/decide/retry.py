"""``retry``: an instance goes on at the activity where it failed, or where its incidents are, as new executions.

A failed instance stands still as a whole; of one with incidents only the tokens do that met them.  The former has given
its slot back, where its definition has a ``concurrency``: it asks for another, and stays as it is until its turn.

    retry ─► retry_queued, request_slot ─► slot_granted, release_start ─┬─► retried
                                                                        └─► retry_refused, return_slot
"""

from streams.core.commands import RequestSlot, Retry, ReturnSlot
from streams.core.decide.target import target_instance
from streams.core.flow import message
from streams.core.flow.cancelling import told_execution
from streams.core.flow.flow import Flow
from streams.core.flow.held import answered, release
from streams.core.flow.signals import release_signals
from streams.core.places import split_place
from streams.core.state import BROKEN, UNENDED, Instance
from streams.core.step import run
from streams.core.turn import Turn

RELEASE_START = "release_start"


def retry(turn: Turn, command: Retry) -> None:
    """Let the instance run again, unless another one runs for its key where there may be but one."""
    instance = target_instance(turn, command.instance_id, "retry", BROKEN | UNENDED)
    if instance is None:
        return
    if instance.status in UNENDED:
        _resolve(turn, instance, command)
    elif instance.retry is not None:
        text = f"Instance {instance.id} is to be retried already: it waits for one of the slots of its definition"
        turn.reject("already_requested", text, instance.id)
    elif (refusal := _refusal(turn, instance)) is not None:
        turn.reject(*refusal, instance.id)
    elif (limit := turn.process_of(instance).definition.concurrency) is None:
        _go_on(turn, instance, command.reason)
    else:
        data = {"reason": command.reason, "limit": limit}
        turn.emit(instance, "retry_queued", data, message=command.reason)
        turn.follow_up(RequestSlot(definition_id=instance.definition_id, instance_id=instance.id, limit=limit))


def retry_released(turn: Turn, instance: Instance) -> None:
    """The instance has its slot.  Another one may run for its key by now."""
    assert instance.retry is not None
    if (refusal := _refusal(turn, instance)) is not None:
        reason, text = refusal
        turn.emit(instance, "retry_refused", {"reason": reason, "error": text}, message=text)
        turn.follow_up(ReturnSlot(definition_id=instance.definition_id, instance_id=instance.id))
    else:
        _go_on(turn, instance, instance.retry.reason)


def _resolve(turn: Turn, instance: Instance, command: Retry) -> None:
    incidents = [(place, wait) for place, wait in instance.waiting.items() if wait.kind == "incident"]
    if not incidents or instance.status != "running":
        what = "it has no incident" if instance.status == "running" else f"it is {instance.status}"
        turn.reject("nothing_to_retry", f"Cannot retry instance {instance.id}: {what}", instance.id)
        return
    flow = Flow(turn, instance, turn.process_of(instance))
    for place, wait in incidents:
        activity_id, token = split_place(place)
        data = {"execution": told_execution(instance, wait), "reason": command.reason}
        flow.emit("incident_resolved", data, activity_id, token, command.reason)
        flow.go(token, activity_id)
    run(flow)


def _go_on(turn: Turn, instance: Instance, reason: str | None) -> None:
    failure = instance.failure
    # A turn to begin that came while it stood still went to the next one.
    held = [one for one in instance.held if one.command["type"] != RELEASE_START]
    assert failure is not None
    data = {"reason": reason, "was": instance.status, **answered(instance)}
    turn.emit(instance, "retried", data, failure.activity_id, failure.token, reason)
    release_signals(turn, instance)
    flow = Flow(turn, instance, turn.process_of(instance))
    message.take_held(flow)
    release(turn, instance, held)
    for place, wait in [one for one in instance.waiting.items() if one[1].kind == "start"]:
        flow.emit("start_released", {"behind": wait.name}, place)
        flow.go(None, flow.process.first)
    if failure.activity_id is not None:
        flow.go(failure.token, failure.activity_id)
    run(flow)


def _refusal(turn: Turn, instance: Instance) -> tuple[str, str] | None:
    """Why the instance cannot go on now: the reason, for programs and for people."""
    process, failure = turn.process_of(instance), instance.failure
    others = turn.running_of_key(instance.key, process.id) if process.mode != "parallel" else []
    if others:
        return "already_running", (
            f"Cannot retry instance {instance.id}: {others[0].id} runs for key {instance.key!r} now. "
            f"Expected one running instance a key (mode: {process.mode}): wait for it, or cancel it"
        )
    if failure is None or (failure.activity_id is None and not instance.waiting):
        return "nothing_to_retry", (
            f"Cannot retry instance {instance.id}: it failed at no activity that it could go on from. Start it anew"
        )
    return None
