"""``PartitionProcessor``, traced: a span for each turn that led to an event or was refused.

A command that changes soft records only (``observe``) has none: nothing happened that anybody could look up.
"""

from collections.abc import Sequence
from typing import Any

from streams.codec import BadRecordError
from streams.core.commands import AnyCommand, FireTimer, TopicCommand
from streams.core.due import Timer
from streams.core.events import OUTSIDE, Event
from streams.core.turn import Rejection, Turn
from streams.outcome import Outcome
from streams.processing import PartitionProcessor
from streams.records import Record
from streams.staging import ROLE, Output, Staged, stage_turn
from streams.tracing import context
from streams.tracing.context import Context
from streams.tracing.span import Attribute, Span, of_record
from streams.tracing.tracer import Tracer
from streams.tracing.waits import followed, record_key, waits_of

MAX_EVENTS = 64
FAILURES = frozenset({"failed", "timed_out", "incident_created"})
ASKS = frozenset({"action_requested", "rows_requested", "notice_requested"})
"""Events whose readers answer with a command, which must be able to tell that nobody samples it."""


class _Input:
    """What a turn is about: ``record`` is ``None`` for a timer."""

    __slots__ = ("began_ns", "command", "parent", "record")

    def __init__(self, command: AnyCommand | BadRecordError, record: Record | None, began_ns: int) -> None:
        self.command, self.record, self.began_ns = command, record, began_ns
        self.parent = None if record is None else context.of_headers(record.headers)


class TracedProcessor(PartitionProcessor):
    """``tracer`` gets the spans of a batch once it has committed."""

    def __init__(self, tracer: Tracer, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._untraced.clear()
        self._tracer = tracer
        self._input: _Input | None = None

    def committed(self, outcome: Outcome) -> None:
        super().committed(outcome)
        if outcome.spans:
            self._tracer.export(outcome.spans)

    # ---- one input after the other

    def _take(self, record: Record, command: TopicCommand | BadRecordError, time: int) -> None:
        self._input = _Input(command, record, self._tracer.now_ns())
        try:
            super()._take(record, command, time)
        finally:
            self._input = None

    def _fire(self, timer: Timer, time: int) -> None:
        self._input = _Input(timer.command(), None, self._tracer.now_ns())
        try:
            super()._fire(timer, time)
        finally:
            self._input = None

    # ---- what becomes of it

    def _keep(self, turn: Turn) -> None:
        staged = stage_turn(turn, self._topics)
        if self._input is not None and turn.events:
            self._trace(turn, staged, self._input)
        staged.commit_to(self._writing)
        self._outcome.note(turn)

    def _trace(self, turn: Turn, staged: Staged, about: _Input) -> None:
        own = self._own(turn.events[0], about)
        changed = {id_: entity for id_, entity in turn.entities.changed.items() if not id_.startswith(OUTSIDE)}
        known = {id_: self._writing.get(record_key(id_)) for id_ in changed}
        if about.record is None and any(known.values()):
            own = own._replace(sampled=True)  # a timer goes on as what began the waiting
        links: list[Context] = []
        for id_, entity in changed.items():
            if own.sampled or known[id_] is not None:
                kept, ended = followed(known[id_], waits_of(self._load(id_)), waits_of(entity), own)
                links += (one for one in ended if one.trace_id != own.trace_id and one not in links)
                if kept != known[id_]:
                    staged.writes.append((record_key(id_), kept))
        staged.outputs[:] = _sent(staged.outputs, turn, own)
        if own.sampled:
            self._outcome.spans.append(self._turned(turn.events, own, about, tuple(links)))

    def _turned(self, events: list[Event], own: Context, about: _Input, links: tuple[Context, ...]) -> Span:
        first, failed = events[0], next((event for event in events if event.type in FAILURES), None)
        span = self._span(own, about, first.subject)
        span.name = f"{span.name} {first.definition_id}".rstrip()
        span.links = links
        span.attributes |= {
            "weir.definition": first.definition_id,
            "weir.definition_version": first.definition_version,
            "weir.events": [event.type for event in events[:MAX_EVENTS]],
            "weir.first_seq": first.seq,
        }
        span.error = None if failed is None else str(failed.data.get("error", failed.type))
        return span

    def _own(self, first: Event, about: _Input) -> Context:
        name = (first.subject, first.seq, first.cause)
        if about.parent is not None:
            return about.parent.child("turn", *name)
        by = first.subject if isinstance(about.command, FireTimer) and not first.subject.startswith(OUTSIDE) else None
        return context.root(self._tracer.ratio, "turn", *name, by=by)

    def _reject(self, record: Record, command: TopicCommand, rejection: Rejection, time: int) -> None:
        super()._reject(record, command, rejection, time)
        self._refused(record, rejection.subject, f"{rejection.reason}: {rejection.message}")

    def _bury(self, record: Record, reason: str) -> None:
        super()._bury(record, reason)
        self._refused(record, None, reason)

    def _refused(self, record: Record, subject: str | None, error: str) -> None:
        if (about := self._input) is None:
            return
        name = ("refused", self._topics.commands.name, self._around.partition, record.offset)
        own = context.root(self._tracer.ratio, *name) if about.parent is None else about.parent.child(*name)
        if own.sampled:
            span = self._span(own, about, subject)
            span.error = error
            self._outcome.spans.append(span)

    def _span(self, own: Context, about: _Input, subject: str | None) -> Span:
        attributes: dict[str, Attribute] = {"weir.role": ROLE}
        if subject is not None:
            attributes["weir.subject"] = subject
        if about.record is not None:
            attributes |= of_record(self._topics.commands.name, self._around.partition, about.record.offset)
            attributes["weir.waited_ms"] = max(0, about.began_ns // 1_000_000 - about.record.timestamp)
        return Span(_name(about), "consumer", own, about.parent, about.began_ns, self._tracer.now_ns(), attributes)


def _name(about: _Input) -> str:
    if isinstance(about.command, BadRecordError):
        return "unreadable"
    return str(about.command.__struct_config__.tag or "fire_timer")


def _sent(outputs: Sequence[Output], turn: Turn, own: Context) -> list[Output]:
    """With the header, but for events that nobody follows and definitions, which are kept for ever."""
    header = (context.HEADER, own.encoded())
    events, asks = len(turn.events), {index for index, event in enumerate(turn.events) if event.type in ASKS}
    first_follow_up = events + len(turn.published)
    return [
        (topic, partition, key, value, [*headers, header])
        if index >= first_follow_up or (index < events and (own.sampled or index in asks))
        else (topic, partition, key, value, headers)
        for index, (topic, partition, key, value, headers) in enumerate(outputs)
    ]
