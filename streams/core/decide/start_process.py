"""``start_process``: a new instance, unless its key is busy, its id is taken or its variables do not fit."""

from streams.core import ids
from streams.core.commands import StartProcess
from streams.core.flow.flow import Flow
from streams.core.process import Process, UnusableError, VariablesError
from streams.core.state import Finished, HeldSignal, Instance, Key, key_entity
from streams.core.step import run
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
    busy = _running(turn, command, process)
    if busy is not None:
        turn.reject(
            "already_running",
            f"{process.id} has 'mode: single', and instance {busy} of key {command.key!r} is running",
            busy,
        )
        return
    try:
        variables = process.initial_variables(command.variables)
    except VariablesError as error:
        turn.reject("invalid_variables", f"{process.id}: {error}")
        return
    instance = turn.emit_first(
        subject, process, {"key": command.key, "variables": variables, "trigger": command.trigger}
    )
    release_signals(turn, instance)
    flow = Flow(turn, instance, process)
    flow.go(None, process.first)
    run(flow)


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
    if away > MAX_ID_AGE_MS:
        turn.reject(
            "instance_id_time",
            f"Expected the time in instance id {subject} within {MAX_ID_AGE_MS // 1000} s from now, "
            f"but it is {away / 1000:.0f} s away",
        )
        return None
    return subject


def _running(turn: Turn, command: StartProcess, process: Process) -> str | None:
    if command.key is None or process.mode != "single":
        return None
    entity = turn.entities.get(key_entity(command.key))
    running = entity.running.get(process.id, []) if isinstance(entity, Key) else []
    return running[0] if running else None


def release_signals(turn: Turn, instance: Instance) -> None:
    """Signals that came before the start go to the instance, in the order in which they came."""
    if instance.key is None:
        return
    subject = key_entity(instance.key)
    entity = turn.entities.get(subject)
    definition = (instance.definition_id, instance.definition_version)
    at = 0
    while isinstance(entity, Key) and at < len(entity.signals):
        held = entity.signals[at]
        event_type = _fate(held, instance, turn.now_ms)
        if event_type is None:
            at += 1
            continue
        data = {"index": at, "name": held.name, "instance_id": instance.id}
        turn.emit_outside(subject, (entity.seq, entity.updated_at), event_type, definition, data)
        if event_type == "signal_released":
            turn.emit(instance, "signal_received", {"name": held.name, "payload": held.payload})
        entity = turn.entities.get(subject)


def _fate(held: HeldSignal, instance: Instance, now_ms: int) -> str | None:
    if held.expires is not None and held.expires <= now_ms:
        return "signal_expired"
    return "signal_released" if held.definition_id in (None, instance.definition_id) else None
