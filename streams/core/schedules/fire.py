"""A moment of a schedule has come: what starts.

The moments that have passed by now are the one that was due and, where the plant was stopped, later ones; ``catch_up``
says which of them start something.  Each start is a command of its own, in the same transaction as the event that moves
the schedule on: it is sent once, whatever happens to the worker, and its instance id follows from definition, trigger
and moment.
"""

from typing import Any

from streams.core import ids
from streams.core.commands import FireTimer, StartProcess
from streams.core.durations import instant_text
from streams.core.moments import passed
from streams.core.process import Process, VariablesError
from streams.core.schedule import Schedule
from streams.core.schedules.entity import active_process, emit
from streams.core.triggers import CompiledTimer
from streams.core.turn import Turn

MAX_ID_AGE_MS = 4 * 60_000
"""How far the time in an instance's id is behind the command's at most: ``start_process`` takes five minutes."""


def fire(turn: Turn, command: FireTimer) -> None:
    """Start what has come of the trigger ``execution``, and set it to its next moment."""
    entity = turn.entities.get(command.instance_id)
    assert isinstance(entity, Schedule)
    process = active_process(turn, entity)
    if process is None:
        return
    timer = next(one for one in process.timers if one.index == command.execution)
    first = entity.alarms[str(timer.index)].nominal
    assert first is not None
    starting, older = passed(timer.moments, first, turn.now_ms, timer.most if timer.catch_up == "all" else 1)
    following = timer.moments.next_after(starting[-1])
    if timer.due(starting[-1]) > turn.now_ms:  # the newest has come by its name, and is put off by its jitter
        following = starting.pop()
    elif timer.catch_up == "none" and timer.due(starting[-1]) < turn.now_ms - timer.max_age_ms:
        older = (first, starting.pop())
    if older is not None:
        data = {"from": instant_text(older[0]), "reason": "missed"}
        entity = _pass(turn, entity, timer, "schedule_skipped", older[1], starting[0] if starting else following, data)
    for nominal, after in zip(starting, [*starting, following][1:], strict=True):
        entity = _start(turn, entity, process, timer, nominal, after)


def _start(
    turn: Turn, entity: Schedule, process: Process, timer: CompiledTimer, nominal: int, following: int | None
) -> Schedule:
    brought = {"nominal": instant_text(nominal), "actual": instant_text(turn.now_ms)}
    try:
        variables = process.start_variables(brought)
    except VariablesError as error:
        data = {"from": brought["nominal"], "reason": "invalid_variables", "error": str(error)}
        return _pass(turn, entity, timer, "schedule_skipped", nominal, following, data)
    partition = ids.partition_for(timer.key, turn.around.partitions)
    begun = max(nominal, turn.now_ms - MAX_ID_AGE_MS)
    instance = ids.instance_id(begun, partition, f"schedule/{process.id}/{timer.index}/{nominal}")
    entity = _pass(turn, entity, timer, "schedule_fired", nominal, following, {"instance_id": instance})
    turn.follow_up(
        StartProcess(
            definition_id=process.id,
            definition_version=process.version,
            key=timer.key,
            instance_id=instance,
            variables=variables,
            trigger={"type": "timer", "index": timer.index, **brought},
        )
    )
    return entity


def _pass(
    turn: Turn,
    entity: Schedule,
    timer: CompiledTimer,
    event_type: str,
    nominal: int,
    following: int | None,
    more: dict[str, Any],
) -> Schedule:
    """The trigger has come up to ``nominal``, and ``following`` is next."""
    data = {"trigger": timer.index, "nominal": instant_text(nominal), **coming(timer, following), **more}
    return emit(turn, entity, event_type, data)


def coming(timer: CompiledTimer, nominal: int | None) -> dict[str, str]:
    """The next moment and when it is due, for an event; nothing behind the last one."""
    return {} if nominal is None else {"next": instant_text(nominal), "due": instant_text(timer.due(nominal))}
