"""What the topics around the events tell, gathered record by record, for ``LOG_CHECKS``.

process-commands      which commands stand where, which of them are copies of forwarded ones, what readings started
process-events        what became of commands, and of requests
process-rejections, process-dead-letters      what became of the others
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from streams.codec import BadRecordError, decode_command
from streams.core.commands import Signal, StartProcess
from streams.core.events import Event
from streams.core.triggers import TRIGGERS, ReadingTrigger
from streams.deadletters import is_fate
from streams.records import Headers, Record
from streams.retries import RETRY_HEADER
from streams.staging import FOLLOW_UP_HEADER, FROM_HEADER
from weir.verify.sent import Place

READING = frozenset(name for name, model in TRIGGERS.items() if issubclass(model, ReadingTrigger) and model.starts_each)
"""Triggers by which the router starts processes."""
CLOCK = "timer"
"""The trigger by which schedules start processes."""
CONDEMNED = frozenset({"incident", "limit"})
ONCE = frozenset(
    {
        *("started", "cancelled", "signal_received", "signal_buffered"),
        *("subscribed", "unsubscribed", "message_correlated", "message_started", "message_buffered"),
        *("suspended", "resumed", "retried", "migrated", "input_held"),
        *("definition_deployed", "definition_activated", "definition_deactivated"),
    }
)
"""What a command does to a subject at most once."""
RUNS_FOR_KEY = ("started", "retried")
_PLACE = re.compile(r"([0-9]{1,4}):([0-9]{1,19})")
LETTER_HEADERS = ("weir_topic", "weir_partition", "weir_offset", "weir_reason", "weir_role")


@dataclass(slots=True)
class Outcome:
    """What became of a command at one place.  ``taken`` counts by subject what only one command can cause once.

    What led to a rejection or a dead letter may also have condemned its instance, which is one event, ``failed``.
    """

    events: int = 0
    condemned: int = 0
    rejections: int = 0
    dead_letters: int = 0
    taken: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    messages: list[tuple[str, Any]] = field(default_factory=list)
    """(name, payload) of each signal that a subject received or that its key holds, not those that were held."""

    @property
    def accepted(self) -> bool:
        """Whether there are events, other than the one that condemns."""
        return self.events > self.condemned

    def take(self, event: Event) -> None:
        """Count an event that the command has caused."""
        self.events += 1
        self.condemned += event.type == "failed" and event.data.get("error_type") in CONDEMNED
        if event.type not in ONCE:
            return
        # At a start, or when one that failed runs again, each signal that was held is received, as many as there are.
        if event.type == "signal_received" and any((type_, event.subject) in self.taken for type_ in RUNS_FOR_KEY):
            return
        self.taken[event.type, event.subject] += 1
        if event.type in {"signal_received", "signal_buffered"}:
            self.messages.append((event.data["name"], event.data["payload"]))


class Standing(NamedTuple):
    """A record of ``process-commands``; ``kind`` is the command's type, ``None`` where the record is no command."""

    kind: str | None
    id: str | None = None
    copy_of: Place | None = None
    retried: bool = False
    message: tuple[str, Any] | None = None
    """(name, payload) of a signal."""
    follow_up: bool = False
    """The processor has sent it, not a user."""


class Request(NamedTuple):
    """An action that was asked for."""

    instance: str
    activity: str
    execution: int
    action: str


class Letter(NamedTuple):
    """A dead letter: of which record, and by whom."""

    topic: str
    partition: int
    offset: int
    role: str
    value: bytes | None
    retried: bool

    @property
    def source(self) -> str:
        return f"{self.topic}[{self.partition}] at {self.offset}"


class _Rejection(msgspec.Struct):
    partition: int
    offset: int


_rejection = msgspec.json.Decoder(_Rejection)


class Gathered:
    """``take_…`` the records of the topics, those of each partition in order."""

    def __init__(self, commands_topic: str) -> None:
        self.commands_topic = commands_topic
        self.counts: Counter[str] = Counter()
        """Of events by type, and of ``commands``, ``rejections``, ``letters``."""
        self.first: dict[int, int] = {}
        """The first offset of each partition of commands that is still there."""
        self.commands: dict[Place, Standing] = {}
        self.copies: defaultdict[Place, list[Place]] = defaultdict(list)
        """Where the copies of forwarded commands stand, by the place of what was copied."""
        self.started_by: defaultdict[tuple[str, int, int], list[str]] = defaultdict(list)
        """Definitions that a reading asked to start, by its place."""
        self.outcomes: defaultdict[Place, Outcome] = defaultdict(Outcome)
        self.requests: dict[str, list[Request]] = {}
        """By idempotency key; more than one would be wrong."""
        self.answered: set[tuple[str, str, int]] = set()
        """(instance, activity, execution) of what has completed."""
        self.given_up: set[tuple[str, str, int]] = set()
        """The same of requests whose deadline has come."""
        self.fired: dict[str, tuple[str, int, str]] = {}
        """(schedule, trigger, nominal time) of each instance that a clock has fired."""
        self.clock_starts: Counter[str] = Counter()
        """Instances that a clock has sent starts for."""
        self.letters: list[Letter] = []
        self.malformed: list[tuple[str, str]] = []
        """(place, why) of records that nobody of Weir writes."""

    def take_command(self, partition: int, record: Record) -> None:
        """A record of ``process-commands``."""
        self.counts["commands"] += 1
        place = (partition, record.offset)
        copy_of = _place(_header(record.headers, FROM_HEADER))
        if copy_of is not None:
            self.copies[copy_of].append(place)
        retried = _header(record.headers, RETRY_HEADER) is not None
        try:
            command = decode_command(record.value)
        except BadRecordError:
            self.commands[place] = Standing(None, None, copy_of, retried)
            return
        message = (command.name, command.payload) if isinstance(command, Signal) else None
        kind = str(command.__struct_config__.tag)
        follow_up = _header(record.headers, FOLLOW_UP_HEADER) is not None
        self.commands[place] = Standing(kind, command.id, copy_of, retried, message, follow_up)
        if copy_of is None and isinstance(command, StartProcess) and command.trigger.get("type") in READING:
            source = (command.trigger["topic"], command.trigger["partition"], command.trigger["offset"])
            self.started_by[source].append(command.definition_id)
        if copy_of is None and follow_up and isinstance(command, StartProcess) and command.trigger.get("type") == CLOCK:
            self.clock_starts[command.instance_id or ""] += 1

    def take_event(self, event: Event) -> None:
        """An event; its cause is the place of its command, or a timer."""
        self.counts[event.type] += 1
        place = _place(event.cause)
        if place is not None:
            self.outcomes[place].take(event)
        if event.type in {"action_requested", "notice_requested"}:
            data = event.data
            request = Request(event.subject, event.activity_id or "", data["execution"], data["action"])
            self.requests.setdefault(data["idempotency_key"], []).append(request)
        elif event.type == "schedule_fired":
            self.fired[event.data["instance_id"]] = (event.subject, event.data["trigger"], event.data["nominal"])
        elif event.type == "activity_completed":
            self.answered.add((event.subject, event.activity_id or "", event.data["execution"]))
        elif event.type in {"activity_failed", "retry_scheduled"} and place is None:
            self.given_up.add((event.subject, event.activity_id or "", event.data["execution"]))

    def take_rejection(self, partition: int, record: Record) -> None:
        """A record of ``process-rejections``."""
        self.counts["rejections"] += 1
        try:
            rejected = _rejection.decode(record.value or b"")
        except msgspec.MsgspecError as error:
            self.malformed.append((f"rejection {partition}:{record.offset}", str(error)))
            return
        self.outcomes[rejected.partition, rejected.offset].rejections += 1

    def take_letter(self, record: Record, *, keep_value: bool = True) -> None:
        """A record of ``process-dead-letters``; those that tell what became of a letter are none."""
        if is_fate(record.headers):
            return
        self.counts["letters"] += 1
        ours = dict(reversed([(name, value or b"") for name, value in record.headers]))  # the original ones follow ours
        missing = [name for name in LETTER_HEADERS if name not in ours]
        place = None if missing else _place(ours["weir_partition"] + b":" + ours["weir_offset"])
        if place is None:
            why = f"the header {missing[0]}" if missing else "numbers as the place of its record"
            self.malformed.append((f"dead letter at {record.offset}", f"expected {why}"))
            return
        topic, role = (ours[name].decode(errors="replace") for name in ("weir_topic", "weir_role"))
        letter = Letter(topic, *place, role, record.value if keep_value else None, RETRY_HEADER in ours)
        self.letters.append(letter)
        if topic == self.commands_topic:
            self.outcomes[letter.partition, letter.offset].dead_letters += 1

    def of(self, place: Place) -> list[Outcome]:
        """What became of the command at ``place``, there and wherever it was forwarded."""
        found, places, seen = [], [place], set()
        for one in places:
            if one not in seen:
                seen.add(one)
                places += self.copies.get(one, ())
                if (outcome := self.outcomes.get(one)) is not None:
                    found.append(outcome)
        return found


def _header(headers: Headers, wanted: str) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)


def _place(text: str | bytes | None) -> Place | None:
    """The place that a cause or a header names; whoever sent the record may have written anything into a header."""
    found = _PLACE.fullmatch(text.decode(errors="replace") if isinstance(text, bytes) else text or "")
    return None if found is None else (int(found[1]), int(found[2]))
