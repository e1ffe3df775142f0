"""``publish_message``: a message for whoever waits for it under its correlation key, now or soon.

publish_message ─┬─ somebody waits ───────► message_correlated, deliver ─► the instance
                 ├─ processes start on it ► message_started, start_process
                 └─ nobody ───────────────► message_buffered, until it expires
"""

from collections.abc import Sequence
from typing import Any

from streams.core.commands import PublishMessage, StartProcess
from streams.core.durations import instant_text
from streams.core.mailbox import Mailbox, mailbox_entity
from streams.core.mailboxes import correlate, emit, mailbox_of
from streams.core.process import Process, VariablesError
from streams.core.turn import Turn

DEFAULT_TTL_MS = 3_600_000
MAX_BUFFERED = 1_000


def publish_message(turn: Turn, command: PublishMessage) -> None:
    """Give the message to the one that waits for it longest, else to the processes that start on it, else keep it."""
    box = mailbox_of(turn, command.correlation_key)
    if command.message_id is not None and box.known.get(command.message_id, 0) > turn.now_ms:
        text = f"Message {command.message_id!r} of key {box.key!r} has come before"
        turn.reject("duplicate_message", text, mailbox_entity(box.key))
        return
    ttl_ms = DEFAULT_TTL_MS if command.ttl_ms is None else command.ttl_ms
    until = instant_text(turn.now_ms + ttl_ms)
    known = {} if command.message_id is None else {"message_id": command.message_id, "known_until": until}
    told = {"name": command.name, "payload": command.payload, **known}
    waiting = next((one for one in box.waiting if one.name == command.name), None)
    if waiting is not None:
        correlate(turn, box, waiting, told, turn.now_ms + ttl_ms)
    elif started := turn.around.started_by(command.name):
        _start(turn, box, command, started, told)
    elif ttl_ms == 0:
        text = f"Nobody waits for message {command.name!r} under key {box.key!r}, and it is not to be kept (ttl_ms: 0)"
        turn.reject("no_receiver", text, mailbox_entity(box.key))
    elif len(box.messages) >= MAX_BUFFERED:
        text = f"Key {box.key!r} holds {MAX_BUFFERED} messages that nobody has taken"
        turn.reject("too_many_messages", text, mailbox_entity(box.key))
    else:
        emit(turn, box, "message_buffered", {**told, "expires": until})


def _start(turn: Turn, box: Mailbox, command: PublishMessage, started: Sequence[Process], told: dict[str, Any]) -> None:
    brought = {"name": command.name, "correlation_key": box.key, "payload": command.payload}
    starts = []
    for process in started:
        try:
            variables = process.start_variables(brought)
        except VariablesError as error:
            text = f"Message {command.name!r} would start {process.id}: {error}"
            turn.reject("invalid_variables", text, mailbox_entity(box.key))
            return
        trigger = {"type": "message", "name": command.name, "correlation_key": box.key}
        starts.append(
            StartProcess(
                definition_id=process.id,
                definition_version=process.version,
                key=box.key,
                variables=variables,
                trigger=trigger,
            )
        )
    emit(turn, box, "message_started", {**told, "definitions": [one.definition_id for one in starts]})
    for start in starts:
        turn.follow_up(start)
