"""``return_message``: a message came to nobody.  The next one that waits gets it, now or until it expires."""

from streams.core.commands import ReturnMessage
from streams.core.durations import instant_text
from streams.core.mailbox import mailbox_entity
from streams.core.mailboxes import correlate, emit, mailbox_of
from streams.core.turn import Turn


def return_message(turn: Turn, command: ReturnMessage) -> None:
    """It comes before those that came later."""
    box = mailbox_of(turn, command.correlation_key)
    if command.expires_ms <= turn.now_ms:
        text = f"Message {command.name!r} of key {box.key!r} has expired at {instant_text(command.expires_ms)}"
        turn.reject("expired", text, mailbox_entity(box.key))
        return
    told = {"name": command.name, "payload": command.payload}
    waiting = next((one for one in box.waiting if one.name == command.name), None)
    if waiting is not None:
        correlate(turn, box, waiting, told, command.expires_ms)
    else:
        data = {**told, "expires": instant_text(command.expires_ms), "returned": True}
        emit(turn, box, "message_buffered", data)
