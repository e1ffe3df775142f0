"""What is in flight: a gauge a stage counts what has been asked of it and has no outcome yet.

    processor   commands without an outcome (events, rejection, dead letter, forwarded copy)
    actions     requests without an answer            timers   started, not fired
    projector   records that the database is behind   router   hot readings that have started nothing yet
    bridge      readings that the MQTT broker has acknowledged, and Kafka has not yet
    station     positions that it has not taken in, and what of them has not gone out yet

``take`` gets the records of all topics, those of a partition in order, those of different ones as they come: an outcome
may be seen before what it is the outcome of.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

import msgspec
import orjson

from streams.core.triggers.station import STATION_TOPIC
from streams.records import Record
from streams.staging import FROM_HEADER
from streams.station.decoding import POSITIONS
from streams.topics import Topics
from tests.chaos.load.devices import HOT_FROM
from tests.chaos.load.devices import TOPIC as TELEMETRY
from tests.chaos.sent import Book

SHOWN = 5
Place = tuple[int, int]
Where = tuple[str, int, int]
"""Topic, partition, offset."""
Waits = defaultdict[str, set[str]]
"""Activities that wait, by instance."""
ENDS = frozenset({"completed", "failed", "cancelled"})
OBSERVE = b'{"type":"observe'
"""A reading that the router forwards: the log does not tell what becomes of it."""


class _Event(msgspec.Struct):
    type: str
    subject: str
    cause: str
    activity_id: str | None = None


class _Start(msgspec.Struct):
    trigger: dict[str, Any] = {}


_event, _start = msgspec.json.Decoder(_Event), msgspec.json.Decoder(_Start)


class InFlight:
    """The gauges.  ``book`` is what the load has sent."""

    def __init__(self, topics: Topics, book: Book) -> None:
        self.counts: Counter[str] = Counter()
        """Events by type, and ``commands``, ``rejections``, ``letters``, ``outcomes``, ``routed``."""
        self.longest_wait_s = 0.0
        """The longest that a command has waited for its outcome."""
        self.positions: dict[tuple[str, int], int] = {}
        """The projector's, by topic and partition."""
        self.taken_in: dict[tuple[str, int], int] = {}
        """The station's positions."""
        self.outgoing = 0
        """What the station has to send."""
        self._book, self._commands_topic = book, topics.commands.name
        self._projected = {topics.events.name, *topics.telemetry}
        self._takes: dict[str, Callable[[int, Record], None]] = {
            topics.commands.name: self._command,
            topics.events.name: self._of_event,
            topics.rejections.name: self._rejection,
            topics.dead_letters.name: self._letter,
            TELEMETRY: self._reading,
            STATION_TOPIC: self._move,
        }
        self._waiting: dict[Place, float] = {}
        self._early: set[Place] = set()
        """Outcomes that were seen before their command."""
        self._read_to: Counter[int] = Counter()
        """The offset behind the last command that was seen of each partition."""
        self._requests: Waits = defaultdict(set)
        self._timers: Waits = defaultdict(set)
        self._hot: set[Where] = set()
        self._started: set[Where] = set()
        self._marks: set[str] = set()
        self._ends: dict[tuple[str, int], int] = {}

    def gauges(self) -> dict[str, int]:
        """What is in flight now, by stage."""
        return {
            "processor": len(self._waiting),
            "actions": sum(map(len, self._requests.values())),
            "timers": sum(map(len, self._timers.values())),
            "projector": self._behind(self._projected, self.positions),
            "router": len(self._hot),
            "bridge": len(self._book.published - self._marks),
            "station": self._behind({POSITIONS}, self.taken_in) + self.outgoing,
        }

    def _behind(self, topics: Collection[str], positions: Mapping[tuple[str, int], int]) -> int:
        return sum(max(0, end - positions.get(place, 0)) for place, end in self._ends.items() if place[0] in topics)

    def details(self) -> dict[str, object]:
        """A few of what is in flight, for who wants to know why there is no rest."""
        return {
            "commands": sorted(self._waiting)[:SHOWN],
            "requests": sorted(self._requests)[:SHOWN],
            "timers": sorted(self._timers)[:SHOWN],
            "hot": sorted(self._hot)[:SHOWN],
            "marks": sorted(self._book.published - self._marks)[:SHOWN],
            "behind": sorted(place for place, end in self._ends.items() if end > self.positions.get(place, 0)),
        }

    @property
    def readings(self) -> int:
        """Readings that came to Kafka."""
        return len(self._marks)

    def take(self, topic: str, partition: int, record: Record) -> None:
        """A record of any topic."""
        if topic in self._projected:
            self._ends[topic, partition] = record.offset + 1
        if (take := self._takes.get(topic)) is not None:
            take(partition, record)

    # ---- by topic

    def _command(self, partition: int, record: Record) -> None:
        self.counts["commands"] += 1
        self._read_to[partition] = record.offset + 1
        copied = next((value for name, value in record.headers if name == FROM_HEADER), None)
        if copied is not None:
            self._done(copied.decode())
        value = record.value or b""
        if value.startswith(OBSERVE):
            return
        place = partition, record.offset
        if place in self._early:
            self._early.discard(place)
        else:
            self._waiting[place] = time.monotonic()
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # poison
            trigger = _start.decode(value).trigger
            if (topic := trigger.get("topic")) in {TELEMETRY, STATION_TOPIC}:
                self.counts["routed"] += 1
                _meet(self._started, self._hot, (topic, trigger["partition"], trigger["offset"]))

    def _of_event(self, _partition: int, record: Record) -> None:
        event = _event.decode(record.value or b"")
        self.counts[event.type] += 1
        self._done(event.cause)
        subject, activity = event.subject, event.activity_id or ""
        if event.type == "action_requested":
            self._requests[subject].add(activity)
        elif event.type == "timer_started":
            self._timers[subject].add(activity)
        elif event.type in {"activity_completed", "activity_failed"}:
            _end(self._requests, subject, activity)
        elif event.type == "timer_fired":
            _end(self._timers, subject, activity)
        elif event.type in ENDS:
            self._requests.pop(subject, None)
            self._timers.pop(subject, None)

    def _rejection(self, _partition: int, record: Record) -> None:
        self.counts["rejections"] += 1
        refused = orjson.loads(record.value or b"")
        self._done(f"{refused['partition']}:{refused['offset']}")

    def _letter(self, _partition: int, record: Record) -> None:
        self.counts["letters"] += 1
        ours = dict(reversed([*record.headers]))  # the record's original headers follow ours
        if ours["weir_topic"] == self._commands_topic.encode():
            self._done(f"{ours['weir_partition'].decode()}:{ours['weir_offset'].decode()}")

    def _reading(self, partition: int, record: Record) -> None:
        try:
            fields = orjson.loads(record.value or b"")["fields"]
            mark, temperature = fields["mark"], fields["flow_temp_c"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return  # poison
        self._marks.add(mark)
        if temperature > HOT_FROM:
            _meet(self._hot, self._started, (TELEMETRY, partition, record.offset))

    def _move(self, partition: int, record: Record) -> None:
        if orjson.loads(record.value or b"")["tags"]["event"] == "zone_entry":
            self.counts["entries"] += 1
            _meet(self._hot, self._started, (STATION_TOPIC, partition, record.offset))

    def _done(self, cause: str) -> None:
        """A command has an outcome; most have several events.  ``cause`` may be a timer's, or made up."""
        partition, _, offset = cause.partition(":")
        if not (partition.isdigit() and offset.isdigit()):
            return
        place = int(partition), int(offset)
        since = self._waiting.pop(place, None)
        if since is not None:
            self.counts["outcomes"] += 1
            self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - since)
        elif place[1] >= self._read_to[place[0]]:
            self._early.add(place)


def _meet(mine: set[Where], other: set[Where], place: Where) -> None:
    """Whichever of two comes second ends the waiting of the first."""
    if place in other:
        other.discard(place)
    else:
        mine.add(place)


def _end(waits: Waits, subject: str, activity: str) -> None:
    if subject in waits:
        waits[subject].discard(activity)
        if not waits[subject]:
            del waits[subject]
