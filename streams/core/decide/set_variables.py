"""``set_variables``: somebody corrects what an instance knows."""

from typing import Any

from streams.core.commands import SetVariables
from streams.core.decide.target import KEPT, target_instance
from streams.core.flow.flow import Flow
from streams.core.process import Process, VariablesError
from streams.core.suggest import suggest
from streams.core.turn import Turn


def set_variables(turn: Turn, command: SetVariables) -> None:
    """Set those that differ.  A live variable follows its source again when a step reads it."""
    instance = target_instance(turn, command.instance_id, "set variables of", KEPT)
    if instance is None:
        return
    process = turn.process_of(instance)
    try:
        values = checked(process, command.variables, instance.variables)
    except VariablesError as error:
        turn.reject("invalid_variables", f"{process.id}: {error}", instance.id)
        return
    flow = Flow(turn, instance, process)
    flow.store(values, None, message=command.reason)
    if not turn.events:
        turn.reject("unchanged", f"Instance {instance.id} has these values already", instance.id)


def checked(process: Process, given: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """``given``, as the definition wants it.  Raises ``VariablesError``, also for a name that nobody has heard of."""
    values = {}
    for name, value in given.items():
        if (variable := process.variables.get(name)) is not None:
            values[name] = variable.checked(value)
        elif name in known:
            values[name] = value
        else:
            raise VariablesError(
                f"Unknown variable {name!r}. {suggest(name, [*process.variables, *known], 'variable')}"
            )
    return values
