"""Commands as they come from the topic: decoded, and what is asked about one before it is decided."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from streams.codec import BadRecordError, decode_command
from streams.core.commands import ObservePattern, PublishMessage, SetSchedule, StartProcess, TopicCommand, WatchKeys
from streams.core.durations import instant_ms, instant_text
from streams.core.process import Process, UnusableError
from streams.core.turn import Rejection
from streams.records import Record

OF_VERSION = (StartProcess, SetSchedule, ObservePattern, WatchKeys)
Decoded = tuple[Record, TopicCommand | BadRecordError]


class Definitions(Protocol):
    """The deployed definitions, compiled."""

    def get(self, definition_id: str, version: int | None) -> Process | None:
        """A version; the active one for ``None``.  Raises ``UnusableError``."""

    def active(self) -> Iterable[Process]:
        """The version of each definition that starts instances, where one does."""

    def inactive(self, definition_id: str, version: int | None) -> bool:
        """Whether it may not start instances."""


def decode_records(records: Sequence[Record]) -> list[Decoded]:
    """Each record with its command, or with why it is none."""
    decoded: list[Decoded] = []
    for record in records:
        try:
            decoded.append((record, decode_command(record.value)))
        except BadRecordError as error:
            decoded.append((record, error))
    return decoded


def lacks_definition(decoded: Iterable[Decoded], definitions: Definitions) -> bool:
    """Whether a command names a version that is not known here yet, or wants the newest, which may not be."""
    return any(
        isinstance(command, PublishMessage) or (isinstance(command, OF_VERSION) and not _is_known(command, definitions))
        for _, command in decoded
    )


def _is_known(command: StartProcess | SetSchedule | ObservePattern | WatchKeys, definitions: Definitions) -> bool:
    if command.definition_version is None:
        return False
    try:
        return definitions.get(command.definition_id, command.definition_version) is not None
    except UnusableError:
        return True


def stale(command: TopicCommand, now_ms: int) -> Rejection | None:
    """Why a start comes too late.  ``now_ms`` is plant time at which it is decided: it may have waited for long.

    This is the shell's to refuse, as an expired action is: what ``decide`` sees as now is when the command was written.
    """
    if not isinstance(command, StartProcess) or command.not_after is None or now_ms <= instant_ms(command.not_after):
        return None
    message = (
        f"Expected to start {command.definition_id} until {instant_text(instant_ms(command.not_after))}, but it is "
        f"{instant_text(now_ms)} (plant time): what it was to start on is too old"
    )
    return Rejection("stale", message)
