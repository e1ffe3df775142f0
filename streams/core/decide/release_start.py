"""``release_start``: an instance that waits to begin has its turn.

Others may have ended it meanwhile; then whoever is next has been told, or the slot goes back.
"""

from streams.core.commands import ReleaseStart
from streams.core.decide.retry import retry_released
from streams.core.flow import starts
from streams.core.flow.flow import Flow
from streams.core.flow.held import STILL, hold
from streams.core.state import BROKEN
from streams.core.step import run
from streams.core.turn import Turn


def release_start(turn: Turn, command: ReleaseStart) -> None:
    """Let the instance begin, or wait for its slot; or go on, where somebody has retried it."""
    instance = turn.instance(command.instance_id)
    if instance is not None and instance.retry is not None and command.behind == starts.SLOTS:
        retry_released(turn, instance)
        return
    waits = [] if instance is None else [one for one in instance.waiting.items() if one[1].kind == "start"]
    if instance is None or instance.status in BROKEN or not waits or waits[0][1].name != command.behind:
        message = f"Instance {command.instance_id} does not wait for its {command.behind}: it has begun, or ended"
        turn.reject("not_queued", message, command.instance_id)
        return
    place = waits[0][0]
    if instance.status in STILL:
        hold(turn, instance, command, place, None)
        return
    busy = turn.running_of_key(instance.key, instance.definition_id) if command.behind == starts.KEY else []
    if busy:
        turn.reject("already_running", f"Instance {busy[0].id} of key {instance.key!r} is running", busy[0].id)
        return
    process = turn.process_of(instance)
    flow = Flow(turn, instance, process)
    flow.emit("start_released", {"behind": command.behind}, place)
    if command.behind == starts.KEY:
        starts.begin(flow)
    else:
        flow.go(None, process.first)
    run(flow)
