"""``retry``: a failed instance goes on at the activity where it failed, as a new execution of it."""

from streams.core.commands import Retry
from streams.core.decide.target import target_instance
from streams.core.flow import message
from streams.core.flow.flow import Flow
from streams.core.flow.held import release
from streams.core.flow.signals import release_signals
from streams.core.state import BROKEN, Instance
from streams.core.step import run
from streams.core.turn import Turn


def retry(turn: Turn, command: Retry) -> None:
    """Let the instance run again, unless another one runs for its key where there may be but one."""
    instance = target_instance(turn, command.instance_id, "retry", BROKEN)
    if instance is None or _is_refused(turn, instance):
        return
    failure, held = instance.failure, instance.held
    assert failure is not None
    turn.emit(instance, "retried", {"reason": command.reason}, failure.activity_id, command.reason, failure.token)
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
