"""``set_schedule``: a version of a definition is active, or none: its clock and its polls follow.

Sent by whoever decides that: the deployment of a version, or somebody who activates one.
"""

from streams.core.commands import SetSchedule
from streams.core.durations import instant_text
from streams.core.process import UnusableError
from streams.core.schedule import Schedule
from streams.core.schedules.entity import emit, schedule_of
from streams.core.schedules.fire import coming
from streams.core.triggers import CompiledTimer
from streams.core.turn import Turn


def set_schedule(turn: Turn, command: SetSchedule) -> None:
    """Set every trigger to its next moment; one that comes at the same moments as before goes on where it was."""
    entity = schedule_of(turn, command.definition_id)
    version = command.definition_version
    if version is None:
        emit(turn, entity, "schedule_stopped", {"reason": "deactivated"})
        return
    try:
        process = turn.around.process(command.definition_id, version)
    except UnusableError as error:
        turn.reject("unusable_definition", str(error))
        return
    if process is None:
        turn.reject("unknown_definition", f"No definition {command.definition_id!r} version {version} is deployed")
        return
    alarms = {str(timer.index): {"spec": timer.spec, **_next(turn, entity, timer)} for timer in process.timers}
    due = instant_text(max(turn.now_ms, entity.updated_at))
    polls = {str(poll.index): {"spec": poll.spec, "due": due} for poll in process.polls}
    emit(turn, entity, "schedule_set", {"alarms": alarms, **({"polls": polls} if polls else {})}, version)


def _next(turn: Turn, entity: Schedule, timer: CompiledTimer) -> dict[str, str]:
    before = entity.alarms.get(str(timer.index))
    if before is not None and before.spec == timer.spec:
        return coming(timer, before.nominal)
    # What has fired is not due again, even where this command's time is behind the clock of the worker that fired it.
    return coming(timer, timer.moments.next_after(max(turn.now_ms, entity.updated_at)))
