"""Records as the topics have them, made by hand."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.audit import AuditRecord, encode_audit
from streams.codec import encode_event
from streams.core.durations import instant
from streams.core.events import VERSION, Event
from streams.core.ids import instance_id
from streams.transport.port import TopicPartition

T0 = 1_790_000_000_000  # Unix ms: 2026-09-21T14:13:20Z
EVENTS, DEFINITIONS, TELEMETRY = "process-events", "process-definitions", "heatpump-telemetry"
AUDIT = "process-audit"
TOPICS = {EVENTS: "events", DEFINITIONS: "definitions", TELEMETRY: "telemetry", AUDIT: "audit"}
IDS = {topic: f"id-of-{topic}" for topic in TOPICS}


def write_of(number: int, **parts: Any) -> bytes:
    """A record of the gateway's audit."""
    told = {"id": f"w-{number}", "time": instant(T0 + number), "principal": "ada", "kind": "user", "method": "POST"}
    return encode_audit(
        AuditRecord(
            **{**told, "route": None, "target": None, "request_id": "r", "address": None, "status": 202, **parts}
        )
    )


@dataclass
class FakeRecord:
    value: bytes | None
    offset: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = T0


@dataclass
class FakeBatch:
    """A batch whose end is behind its last record's offset, as after a transaction marker."""

    tp: TopicPartition
    records: Sequence[FakeRecord]
    start: int
    end: int


def batch(topic: str, records: Sequence[FakeRecord], partition: int = 0, gap: int = 0) -> FakeBatch:
    start = records[0].offset
    return FakeBatch(TopicPartition(topic, partition), records, start, records[-1].offset + 1 + gap)


def numbered(values: Sequence[bytes | None], first: int = 0, **fields: Any) -> list[FakeRecord]:
    return [FakeRecord(value, first + at, **fields) for at, value in enumerate(values)]


@dataclass
class Story:
    """The events of one instance, told by hand: each call appends one."""

    cause: str
    partition: int = 0
    started_ms: int = T0
    definition_id: str = "temperature-control"
    definition_version: int = 1
    events: list[Event] = field(default_factory=list)
    executions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.id = instance_id(self.started_ms, self.partition, self.cause)
        self.now_ms = self.started_ms

    def tell(self, type_: str, activity: str | None = None, message: str | None = None, **data: Any) -> "Story":
        self.events.append(
            Event(
                VERSION,
                type_,
                self.id,
                len(self.events) + 1,
                instant(self.now_ms),
                self.definition_id,
                self.definition_version,
                f"{self.partition}:{len(self.events)}",
                activity,
                message,
                data=data,
            )
        )
        self.now_ms += 250
        return self

    def enter(self, activity: str, kind: str = "service") -> "Story":
        return self.tell("activity_started", activity, activity_type=kind, execution=next(self.executions))

    @property
    def values(self) -> list[bytes]:
        return [encode_event(event) for event in self.events]


def cooling(cause: str, partition: int = 0, started_ms: int = T0, device: str = "hp-1") -> Story:
    """A whole run of the temperature control, 15 events."""
    variables = {"device_id": device, "temperature": 91.5, "threshold": 90.0}
    story = Story(cause, partition, started_ms)
    trigger = {"topic": TELEMETRY}
    story.tell("started", key=device, reference=f"Pump {device}", variables=variables, trigger=trigger)
    story.enter("start", "start").tell("activity_completed", "start", execution=1)
    story.enter("check_temp", "decision")
    story.tell("decision_evaluated", "check_temp", condition="temperature > threshold", result=True, path="cool")
    story.enter("cool").tell("action_requested", "cool", action="mqtt_publish", config={"topic": "a"}, execution=3)
    story.tell("activity_completed", "cool", execution=3)
    story.enter("wait", "timer").tell(
        "timer_started", "wait", due="2026-09-21T14:18:20Z", duration_ms=300_000, execution=4
    )
    story.tell("timer_fired", "wait", execution=4)
    story.tell("variable_changed", "recheck", name="temperature", value=88.25, previous=91.5)
    story.enter("end", "end").tell("activity_completed", "end", "done", execution=5)
    return story.tell("completed", "end", duration_ms=9_000, steps=5)
