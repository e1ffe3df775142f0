"""``resume``: a suspended instance goes on as if what came meanwhile came now, in the order in which it came.

Held commands are sent again; messages that are there are taken at once; timers follow from the state.
"""

from typing import Any

from streams.core.commands import Resume
from streams.core.decide.target import target_instances
from streams.core.flow import message
from streams.core.flow.flow import Flow
from streams.core.flow.held import answered, release
from streams.core.state import Instance
from streams.core.step import run
from streams.core.turn import Turn

SUSPENDED = frozenset({"suspended"})


def resume(turn: Turn, command: Resume) -> None:
    """Resume the target."""
    for instance in target_instances(turn, command, "resume", SUSPENDED):
        _resume(turn, instance, command)


def _resume(turn: Turn, instance: Instance, command: Resume) -> None:
    process = turn.process_of(instance)
    timers = command.timers or process.definition.on_resume
    assert instance.suspended_at is not None
    stood_ms = max(turn.now_ms, instance.updated_at) - instance.suspended_at
    data: dict[str, Any] = {"reason": command.reason, "suspended_ms": stood_ms, **answered(instance)}
    if timers == "shift":
        data["shifted_ms"] = stood_ms
    held = instance.held
    turn.emit(instance, "resumed", data, message=command.reason)
    flow = Flow(turn, instance, process)
    message.take_held(flow)
    release(turn, instance, held)
    run(flow)
