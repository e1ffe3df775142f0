"""A database is polled: the question goes to an action worker, its answer starts one instance for each row.

    timer ─► rows_requested ─► action worker ─► complete_activity ─► rows_received ─► start_process for each row
                                            └─► fail_activity ─────► rows_failed
                            └─► no answer in time ─────────────────► rows_failed

One poll at a time.  The watermark moves in the transaction that sends the starts, so a row starts once, whatever
happens to the workers; a poll whose answer is lost is asked again behind the same watermark.
"""

from typing import Any

from streams.core import ids
from streams.core.commands import CompleteActivity, FailActivity, FireTimer, StartProcess
from streams.core.durations import instant_text
from streams.core.process import Process, VariablesError
from streams.core.schedule import Poll, Schedule, schedule_entity
from streams.core.schedules.entity import active_process, emit
from streams.core.triggers import CompiledPoll
from streams.core.turn import Turn

ACTION = "database_query"
TIME_MS = 30_000
"""Real time that a poll may take."""
GRACE_MS = 5_000
"""Real time that its answer may take to arrive besides."""
MAX_PAUSE_MS = 60_000
TOO_LARGE = "answer_too_large"


def poll(turn: Turn, command: FireTimer) -> None:
    """The moment has come to ask, or to give up an answer."""
    entity = turn.entities.get(command.instance_id)
    assert isinstance(entity, Schedule)
    process = active_process(turn, entity)
    if process is None:
        return
    compiled, state = _of(process, entity, command.execution)
    if state.asked:
        _fail(turn, entity, compiled, "timeout", "The poll was not answered in time")
        return
    number, scale = state.number + 1, turn.around.action_time
    not_after = turn.now_ms + round(TIME_MS * scale)
    subject = schedule_entity(entity.id)
    data = {
        "action": ACTION,
        "config": compiled.request(state.watermark, begun=state.begun, limit=state.limit or compiled.limit),
        "execution": number,
        "attempt": 1,
        "idempotency_key": f"{subject}:{compiled.index}:{number}",
        "not_after": instant_text(not_after),
        "deadline": instant_text(not_after + round(GRACE_MS * scale)),
    }
    emit(turn, entity, "rows_requested", data, activity_id=str(compiled.index))


def take(turn: Turn, command: CompleteActivity) -> None:
    """Start what the rows stand for, and go on behind the last one."""
    entity = _awaiting(turn, command)
    process = None if entity is None else active_process(turn, entity)
    if entity is None or process is None:
        return
    compiled, state = _of(process, entity, int(command.activity_id))
    try:
        rows = [dict(row) for row in command.output["rows"]]
        marks = [compiled.marks(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        _fail(turn, entity, compiled, "invalid_output", f"Expected rows with their watermark, but got {error!r}")
        return
    if len({tuple(mark) for mark in marks}) < len(marks):
        why = f"Expected {', '.join(compiled.columns)} to be unique, but several rows have the same. Add another column"
        _fail(turn, entity, compiled, "watermark_not_unique", why)
        return
    newest = compiled.start_now and not state.begun
    watermark = marks[-1] if marks else state.watermark
    more = bool(command.output.get("more")) and not newest
    due = turn.now_ms if more else compiled.every.next_after(turn.now_ms)
    data = {
        "number": state.number,
        "rows": 0 if newest else len(rows),
        "watermark": watermark,
        "due": instant_text(max(due, entity.updated_at)),
        "more": more,
    }
    entity = emit(turn, entity, "rows_received", data, activity_id=str(compiled.index))
    for row, mark in zip([] if newest else rows, marks, strict=False):
        entity = _start(turn, entity, process, compiled, row, mark)


def fail(turn: Turn, command: FailActivity) -> None:
    """The worker could not read the rows: ask again later."""
    entity = _awaiting(turn, command)
    process = None if entity is None else active_process(turn, entity)
    if entity is not None and process is not None:
        compiled, _ = _of(process, entity, int(command.activity_id))
        _fail(turn, entity, compiled, command.error_type, command.error)


def _fail(turn: Turn, entity: Schedule, compiled: CompiledPoll, error_type: str, error: str) -> None:
    """Ask again: later and later, and where the rows were too large for fewer of them."""
    state = entity.polls[str(compiled.index)]
    limit = state.limit or compiled.limit
    data: dict[str, Any] = {"number": state.number, "error_type": error_type, "error": error, "limit": limit}
    if error_type == TOO_LARGE and limit > 1:
        data["limit"], due = limit // 2, turn.now_ms
    else:
        pause = min(MAX_PAUSE_MS, 1_000 * 2 ** min(state.failures, 10))
        due = max(compiled.every.next_after(turn.now_ms), turn.now_ms + pause)
    data["due"] = instant_text(max(due, entity.updated_at))
    emit(turn, entity, "rows_failed", data, activity_id=str(compiled.index), message=error)


def _start(
    turn: Turn, entity: Schedule, process: Process, compiled: CompiledPoll, row: dict[str, Any], mark: list[str]
) -> Schedule:
    try:
        variables = process.start_variables(row)
    except VariablesError as error:
        data = {"watermark": mark, "reason": "invalid_variables", "error": str(error)}
        return emit(turn, entity, "row_skipped", data, activity_id=str(compiled.index), message=str(error))
    cause = f"rows/{process.id}/{compiled.index}/{compiled.spec}/{mark}"
    key = None if compiled.key is None else ids.key_text(compiled.key.get(row))
    home = ids.partition_for(key or cause, turn.around.partitions)
    turn.follow_up(
        StartProcess(
            definition_id=process.id,
            definition_version=process.version,
            key=key,
            instance_id=ids.instance_id(turn.now_ms, home, cause),
            variables=variables,
            trigger={"type": "database", "index": compiled.index, "watermark": mark},
        )
    )
    return entity


def _of(process: Process, entity: Schedule, index: int) -> tuple[CompiledPoll, Poll]:
    compiled = next(one for one in process.polls if one.index == index)
    return compiled, entity.polls[str(index)]


def _awaiting(turn: Turn, command: CompleteActivity | FailActivity) -> Schedule | None:
    """The schedule that waits for this very answer, or ``None`` after rejecting it."""
    entity = turn.entities.get(command.instance_id)
    state = entity.polls.get(command.activity_id) if isinstance(entity, Schedule) else None
    if isinstance(entity, Schedule) and state is not None and state.asked and state.number == command.execution:
        return entity
    message = (
        f"{command.instance_id} does not wait for the answer to poll {command.execution} of trigger "
        f"{command.activity_id}: it was answered before, given up, or another version has replaced it"
    )
    turn.reject("not_awaited", message, command.instance_id)
    return None
