"""``refuse_wait``: what an instance waits for will not come: its activity fails, or the instance that has yet to begin.

subscribe, request_slot ─► refused, since there is no room for one more ─► refuse_wait ─► activity_failed, failed …

Both can be tried again: whoever is retried asks anew.
"""

from streams.core.commands import RefuseWait
from streams.core.decide.target import KEPT, target_instance
from streams.core.flow import ends, errors, starts
from streams.core.flow.flow import Flow
from streams.core.flow.held import STILL, hold, is_held
from streams.core.places import place_of
from streams.core.state import BROKEN, Instance
from streams.core.step import run
from streams.core.turn import Turn


def refuse_wait(turn: Turn, command: RefuseWait) -> None:
    """End the wait, if it is still that one."""
    instance = target_instance(turn, command.instance_id, "end what is waited for by", KEPT)
    if instance is None:
        return
    if command.activity_id is None:
        _slot(turn, instance, command)
    else:
        _message(turn, instance, command, command.activity_id)


def _message(turn: Turn, instance: Instance, command: RefuseWait, activity_id: str) -> None:
    token = command.token
    wait = instance.waiting.get(place_of(activity_id, token))
    asked = ("message", command.execution)
    if wait is None or (wait.kind, wait.execution) != asked or is_held(instance, activity_id, token):
        text = f"Instance {instance.id} does not wait for a message at {activity_id!r} any more"
        turn.reject("not_awaited", text, instance.id)
        return
    if instance.status in STILL:
        hold(turn, instance, command, activity_id, token)
        return
    flow = Flow(turn, instance, turn.process_of(instance))
    data = {"execution": command.execution, "error_type": command.error_type, "error": command.error}
    flow.emit("activity_failed", data, activity_id, token, command.error)
    errors.fail(flow, flow.process.activities[activity_id], token, command.error_type, command.error)
    run(flow)


def _slot(turn: Turn, instance: Instance, command: RefuseWait) -> None:
    if instance.retry is not None:
        turn.emit(
            instance, "retry_refused", {"reason": command.error_type, "error": command.error}, message=command.error
        )
        return
    place = next(
        (at for at, wait in instance.waiting.items() if (wait.kind, wait.name) == ("start", starts.SLOTS)), None
    )
    if place is None or instance.status in BROKEN:
        text = f"Instance {instance.id} does not wait for a slot: it has begun, or ended"
        turn.reject("not_queued", text, instance.id)
    elif instance.status in STILL:
        hold(turn, instance, command, place, None)
    else:
        ends.fail(turn, instance, command.error_type, command.error, None)
