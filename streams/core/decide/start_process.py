"""``start_process``: a new instance, unless its key is busy, its id is taken or its variables do not fit."""

from typing import Any

import msgspec

from streams.core import ids
from streams.core.commands import StartProcess
from streams.core.durations import instant_text
from streams.core.flow import ends, starts
from streams.core.flow.flow import Flow
from streams.core.process import Process, UnusableError, VariablesError
from streams.core.state import Finished, Instance, Key, key_entity
from streams.core.step import run
from streams.core.triggers import TRIGGERS
from streams.core.turn import Turn

MAX_ID_AGE_MS = 5 * 60_000
"""How far the time in a caller's own id may be from the command's: finished instances are forgotten after a while."""


def start_process(turn: Turn, command: StartProcess) -> None:
    """Start an instance and run it to its first wait."""
    process = _process(turn, command.definition_id, command.definition_version)
    if process is None:
        return
    subject = _instance_id(turn, command, process)
    if subject is None:
        return
    taken = turn.entities.get(subject)
    if isinstance(taken, Instance | Finished):
        turn.reject("already_exists", f"Instance {subject} exists already, and is {taken.status}", subject)
        return
    busy = turn.running_of_key(command.key, process.id)
    if _refused(turn, command, process, busy):
        return
    try:
        variables = process.initial_variables(command.variables)
    except VariablesError as error:
        turn.reject("invalid_variables", f"{process.id}: {error}")
        return
    if process.mode == "restart":
        for instance in busy:
            ends.cancel(turn, instance, f"restarted as {subject}")
    data = {
        "key": command.key,
        "variables": variables,
        "trigger": command.trigger,
        "timeout_ms": process.definition.timeout,
    }
    if command.parent is not None:
        data["parent"] = msgspec.to_builtins(command.parent)
    queued = process.mode == "queued" and bool(busy or turn.queued_of_key(command.key, process.id))
    data |= _reference(process, variables) | _cooldown(turn, command, process)
    flow = Flow(turn, turn.emit_first(subject, process, data), process)
    if queued:
        starts.queue(flow)
    else:
        starts.begin(flow)
    run(flow)


def _refused(turn: Turn, command: StartProcess, process: Process, busy: list[Instance]) -> bool:
    """Whether the key may not have another instance now; without a key everything may start."""
    if command.key is None:
        return False
    there = busy + turn.queued_of_key(command.key, process.id)
    if busy and process.mode == "single":
        message = f"{process.id} has 'mode: single', and instance {busy[0].id} of key {command.key!r} is running"
        turn.reject("already_running", message, busy[0].id)
    elif process.max is not None and len(there) >= process.max:
        reason, what = ("too_many_running", "run") if process.mode == "parallel" else ("queue_full", "run or wait")
        message = f"{process.id} has 'max: {process.max}', and so many instances of key {command.key!r} {what}"
        turn.reject(reason, message, there[0].id)
    elif (until := _cools_until(turn, command, process)) > turn.now_ms:
        message = f"A trigger of {process.id} cools down for key {command.key!r} until {instant_text(until)}"
        turn.reject("cooling_down", message, key_entity(command.key))
    return turn.rejection is not None


def _trigger(command: StartProcess, process: Process) -> int | None:
    """The place of the trigger that sent the start; a start by hand is that of the trigger ``api``."""
    index, kind = command.trigger.get("index"), command.trigger.get("type")
    if isinstance(index, int):
        return index
    return process.by_hand if kind == "api" or kind not in TRIGGERS else None


def _cools_until(turn: Turn, command: StartProcess, process: Process) -> int:
    key = turn.entities.get(key_entity(command.key or ""))
    if not isinstance(key, Key) or not key.cooldowns:
        return 0
    return key.cooldowns.get(f"{process.id}/{_trigger(command, process)}", 0)


def _cooldown(turn: Turn, command: StartProcess, process: Process) -> dict[str, Any]:
    if command.key is None or not process.cooldowns:
        return {}
    trigger = _trigger(command, process)
    if trigger is None or (cooldown := process.cooldowns.get(trigger)) is None:
        return {}
    return {"cooldown": {"trigger": trigger, "until": instant_text(turn.now_ms + cooldown)}}


def _reference(process: Process, variables: dict[str, Any]) -> dict[str, Any]:
    text = None if process.reference is None else process.reference.render(variables)
    return {} if text is None else {"reference": text}


def _process(turn: Turn, definition_id: str, version: int | None) -> Process | None:
    """What to start, or ``None`` after rejecting a start of what is not deployed or not active."""
    if turn.around.inactive(definition_id, version):
        what = definition_id if version is None else f"{definition_id}, or its version {version},"
        message = f"{what} is deactivated and starts nothing. `weir activate {definition_id}` changes that"
        turn.reject("inactive", message)
        return None
    try:
        process = turn.around.process(definition_id, version)
    except UnusableError as error:
        turn.reject("unusable_definition", str(error))
        return None
    if process is None:
        which = "" if version is None else f" version {version}"
        turn.reject("unknown_definition", f"No definition {definition_id!r}{which} is deployed")
    return process


def _instance_id(turn: Turn, command: StartProcess, process: Process) -> str | None:
    here = turn.around
    if command.instance_id is None:
        return ids.instance_id(turn.now_ms, here.partition, f"{here.commands_topic}/{turn.cause}/{process.id}")
    subject = ids.check_instance_id(command.instance_id)
    if ids.partition_of(subject) != here.partition:
        turn.reject(
            "wrong_partition",
            f"Instance id {subject} names partition {ids.partition_of(subject)}, but key {command.key!r} belongs to "
            f"{here.partition}. Make the id with the partition of its key",
        )
        return None
    away = abs(ids.started_at_ms(subject) - turn.now_ms)
    if away > MAX_ID_AGE_MS and command.parent is None:
        turn.reject(
            "instance_id_time",
            f"Expected the time in instance id {subject} within {MAX_ID_AGE_MS // 1000} s from now, "
            f"but it is {away / 1000:.0f} s away",
        )
        return None
    return subject
