"""One batch of telemetry: readings in, the commands that processes ask for out.

    record ─► decode ─┬─ bad ─────────────────────────────► dead letter
                      ├─ starts a process ────────────────► start_process, unless the reading is too old
                      ├─ matters to a pattern ────────────► observe_pattern, unless the reading is too old
                      ├─ feeds live variables of its key ─► observe: the last one of the batch, after the starts
                      └─ an expression or variable fails ─► dead letter that names the definition

What readings ask for is compiled into an index by topic, anew whenever a definition becomes known.  Starts look at the
active version of each definition, live variables at every known one: instances stay on theirs.  Nothing here waits or
touches Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from streams.codec import BadRecordError, LimitError, decode_reading, encode_command
from streams.core.clock import PlantClock
from streams.core.commands import Observe, ObservePattern, StartProcess
from streams.core.device_time import plausible_us
from streams.core.durations import instant
from streams.core.expressions import ExpressionError
from streams.core.ids import partition_for
from streams.core.process import Process, VariablesError
from streams.core.state import Feed
from streams.core.triggers import CompiledPattern, TelemetryTrigger
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.deadletters import DeadLetter
from streams.interests import Definitions, Interest, index_of
from streams.mqtt_routes import TOPIC_HEADER
from streams.records import Record
from streams.retries import Retry, arrived_ms
from streams.staging import Output
from streams.topics import Topics
from streams.tracing.readings import BatchTraces
from streams.tracing.span import Span
from streams.tracing.tracer import Tracer

ROLE = "router"
MAX_VARIABLES_BYTES = 2 * 1024
"""What a pattern keeps of a reading that may start a process."""
Reading = dict[str, Any]

log = structlog.get_logger("weir.router")


@dataclass(slots=True)
class Counts:
    """What became of the readings since the start of the process."""

    readings: int = 0
    started: int = 0
    observed: int = 0
    shown: int = 0
    """Readings that matter to a pattern, as often as they do."""
    stale: int = 0
    """Readings that would have started a process, or mattered to a pattern, but were too old."""
    late: int = 0
    """Of these, the ones that had just arrived, and whose own time says that they are old."""
    absent: int = 0
    """Conditions that were false because the reading lacks a field."""
    dead: int = 0

    def add(self, more: "Counts") -> None:
        """Sum up."""
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@dataclass(slots=True)
class Routed:
    """What a batch leads to: records for one transaction, and the counts once it has committed."""

    outputs: list[Output] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    spans: list[Span] = field(default_factory=list)
    """Of the readings, where they are traced."""


class Router:
    """Turns batches of readings into commands."""

    def __init__(
        self, topics: Topics, definitions: Definitions, clock: PlantClock, tracer: Tracer | None = None
    ) -> None:
        self._topics, self._definitions, self._clock, self._tracer = topics, definitions, clock, tracer
        self._generation = -1
        self._index: dict[str, Interest] = {}

    def route(self, topic: str, partition: int, records: Sequence[Record], now_ms: float) -> Routed:
        """What a batch of one partition leads to.  ``now_ms`` is wall time."""
        if self._definitions.generation != self._generation:
            self._generation = self._definitions.generation
            self._index = index_of(self._definitions)
        interest = self._index.get(topic, Interest())
        traces = None if self._tracer is None else BatchTraces(self._tracer, topic, partition)
        batch = _Batch(
            self._topics, self._clock, interest, topic=topic, partition=partition, now_ms=now_ms, traces=traces
        )
        routed = batch.run(records)
        if traces is not None:
            routed.spans = traces.spans()
        return routed


class _Batch:
    """The work on one batch."""

    __slots__ = (
        "_clock",
        "_interest",
        "_latest",
        "_now",
        "_now_ms",
        "_partition",
        "_routed",
        "_topic",
        "_topics",
        "_traces",
    )

    def __init__(
        self,
        topics: Topics,
        clock: PlantClock,
        interest: Interest,
        *,
        topic: str,
        partition: int,
        now_ms: float,
        traces: BatchTraces | None,
    ) -> None:
        self._topics, self._clock, self._interest = topics, clock, interest
        self._topic, self._partition, self._now_ms = topic, partition, now_ms
        self._now = clock.plant_ms(now_ms)
        self._routed, self._traces = Routed(), traces
        self._latest: dict[Feed, tuple[Record, Reading]] = {}

    def run(self, records: Sequence[Record]) -> Routed:
        interest, routed = self._interest, self._routed
        for record in records:
            retry = Retry.of(record.headers) if record.headers else None
            if retry is not None and not retry.concerns(ROLE):
                continue
            try:
                reading = decode_reading(record.value)
                problems = self._start(record, retry, reading) if interest.starts else {}
                problems |= self._show_patterns(record, retry, reading) if interest.patterns else {}
                if interest.live and retry is None:  # a retried one is not the latest
                    for feed in self._feeds(record, reading):
                        self._latest[feed] = (record, reading)
            except BadRecordError as error:
                self._bury(record, str(error))
            except Exception as error:  # noqa: BLE001  a reading that trips a bug of ours must not stop the others
                self._bury_raised(record, error)
            else:
                if problems:
                    self._bury(record, "; ".join(problems.values()), tuple(problems))
        for feed, (record, reading) in self._latest.items():
            self._observe(feed, record, reading)
        routed.counts.readings = len(records)
        return routed

    def _start(self, record: Record, retry: Retry | None, reading: Reading) -> dict[str, str]:
        """Send the starts that the reading leads to; returns what went wrong, by the definition that failed."""
        counts, problems = self._routed.counts, {}
        mqtt_topic = _text(next((value for name, value in record.headers if name == TOPIC_HEADER), None))
        for process, trigger in self._interest.starts:
            if retry is not None and not retry.concerns(ROLE, process.id):
                continue
            try:
                matches = trigger.matches(reading, mqtt_topic)
                if matches:
                    self._start_one(process, trigger, record, retry, reading)
                elif matches is None:
                    counts.absent += 1
            except (ExpressionError, VariablesError, LimitError) as error:
                problems[process.id] = f"{process.id} version {process.version}: {error}"
        return problems

    def _start_one(
        self, process: Process, trigger: TelemetryTrigger, record: Record, retry: Retry | None, reading: Reading
    ) -> None:
        taken = self._taken(trigger, record, retry, reading)
        if taken is not None:
            self._send_start(process, trigger, record, reading, taken + trigger.max_age_ms)
            self._routed.counts.started += 1

    def _taken(self, trigger: TelemetryTrigger, record: Record, retry: Retry | None, reading: Reading) -> int | None:
        """When the reading was taken: as old as it, or its arrival, says; ``None`` when that is beyond ``max_age``."""
        taken = arrived = min(self._now, self._clock.plant_ms(arrived_ms(record, retry)))
        if trigger.device_time and (own := plausible_us(reading.get("timestamp"), arrived * 1000)) is not None:
            taken = min(arrived, own // 1000)
        if self._now <= taken + trigger.max_age_ms:
            return taken
        counts = self._routed.counts
        counts.stale += 1
        counts.late += self._now <= arrived + trigger.max_age_ms
        return None

    def _show_patterns(self, record: Record, retry: Retry | None, reading: Reading) -> dict[str, str]:
        """Send the reading to the patterns that it matters to; returns like ``_start``."""
        problems = {}
        for process, pattern in self._interest.patterns:
            if retry is not None and not retry.concerns(ROLE, process.id):
                continue
            try:
                if (truths := pattern.look(reading)) is not None:
                    self._show(process, pattern, record, retry, reading, truths)
            except (ExpressionError, VariablesError, LimitError) as error:
                problems[process.id] = f"{process.id} version {process.version}: {error}"
        return problems

    def _show(
        self,
        process: Process,
        pattern: CompiledPattern,
        record: Record,
        retry: Retry | None,
        reading: Reading,
        truths: list[bool],
    ) -> None:
        key = pattern.trigger.key_of(reading, _text(record.key))
        taken = None if key is None else self._taken(pattern.trigger, record, retry, reading)
        if key is None or taken is None:
            return
        command = ObservePattern(
            definition_id=process.id,
            definition_version=process.version,
            trigger=pattern.index,
            key=key,
            at=instant(taken),
            truths=truths,
            values=pattern.values_of(reading),
            variables=_brought(process, pattern, reading, truths),
        )
        self._send(key, key, encode_command(command), record)
        self._routed.counts.shown += 1

    def _send_start(
        self, process: Process, trigger: TelemetryTrigger, record: Record, reading: Reading, not_after_ms: int
    ) -> None:
        key = trigger.key_of(reading, _text(record.key))
        source = f"{self._topic}/{self._partition}/{record.offset}/{process.id}"
        command = StartProcess(
            definition_id=process.id,
            definition_version=process.version,
            key=key,
            variables=process.start_variables(reading),
            trigger={
                "type": trigger.kind,
                "topic": self._topic,
                "partition": self._partition,
                "offset": record.offset,
                "timestamp": reading.get("timestamp"),
                **({"index": trigger.index} if trigger.cooldown_ms else {}),
            },
            not_after=instant(not_after_ms),
        )
        self._send(key, key or source, encode_command(command), record)

    def _feeds(self, record: Record, reading: Reading) -> list[Feed]:
        feeds = []
        for trigger in self._interest.live:
            key = trigger.key_of(reading, _text(record.key))
            if key is not None:
                feeds.append(Feed(self._topic, "" if trigger.key is None else trigger.key.text, key))
        return feeds

    def _observe(self, feed: Feed, record: Record, reading: Reading) -> None:
        command = Observe(topic=feed.topic, key=feed.key, key_path=feed.key_path, reading=reading)
        try:
            self._send(feed.key, feed.key, encode_command(command))
        except LimitError as error:
            self._bury(record, str(error))
        except Exception as error:  # noqa: BLE001  as above
            self._bury_raised(record, error)
        else:
            self._routed.counts.observed += 1

    def _send(self, key: str | None, home: str, command: bytes, about: Record | None = None) -> None:
        """``about`` is the reading whose trace the command goes on with: ``observe`` leads to nothing by itself."""
        commands = self._topics.commands
        record_key = None if key is None else key.encode()
        headers = () if self._traces is None or about is None else self._traces.headers(about)
        self._routed.outputs.append(
            (commands.name, partition_for(home, commands.partitions), record_key, command, headers)
        )

    def _bury_raised(self, record: Record, error: Exception) -> None:
        place = {"topic": self._topic, "partition": self._partition, "offset": record.offset}
        log.error("a reading raised", **place, exc_info=error)
        self._bury(record, f"{type(error).__name__}: {error}")

    def _bury(self, record: Record, reason: str, definitions: tuple[str, ...] = ()) -> None:
        letter = DeadLetter.of(record, self._topic, self._partition, reason, ROLE, definitions)
        self._routed.counts.dead += 1
        self._routed.outputs.append(
            (self._topics.dead_letters.name, DEAD_LETTERS_PARTITION, *letter.record(int(self._now_ms)))
        )


def _brought(process: Process, pattern: CompiledPattern, reading: Reading, truths: list[bool]) -> Reading | None:
    """What a start on the reading would bring along.  A reading that ends an absence does so whatever it lacks."""
    if not pattern.may_start(truths):
        return None
    try:
        variables = process.start_variables(reading)
    except VariablesError:
        if pattern.is_absence:
            return None
        raise
    if (size := len(orjson.dumps(variables))) > MAX_VARIABLES_BYTES:
        raise LimitError(f"Expected at most {MAX_VARIABLES_BYTES} bytes of variables for a pattern, but got {size}")
    return variables


def _text(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None
