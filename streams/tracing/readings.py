"""Spans of readings that the router made commands of, and the header that these go out with."""

from streams.records import Headers, Record
from streams.tracing import context
from streams.tracing.context import Context
from streams.tracing.span import Span, of_record
from streams.tracing.tracer import Tracer


class BatchTraces:
    """Of one batch of a partition of telemetry."""

    def __init__(self, tracer: Tracer, topic: str, partition: int) -> None:
        self._tracer, self._topic, self._partition = tracer, topic, partition
        self._began_ns = tracer.now_ns()
        self._found: dict[int, tuple[Record, Context | None, Context, int]] = {}
        """By offset: the reading, what it came from, its own context, and how many commands it led to."""

    def headers(self, record: Record) -> Headers:
        """Of another command that the reading leads to."""
        found = self._found.get(record.offset)
        if found is None:
            name = ("reading", self._topic, self._partition, record.offset)
            parent = context.of_headers(record.headers)
            own = context.root(self._tracer.ratio, *name) if parent is None else parent.child(*name)
            found = (record, parent, own, 0)
        record, parent, own, commands = found
        self._found[record.offset] = (record, parent, own, commands + 1)
        return [(context.HEADER, own.encoded())]

    def spans(self) -> list[Span]:
        """Of those that are sampled."""
        ended = self._tracer.now_ns()
        return [
            Span(
                f"route {self._topic}",
                "consumer",
                own,
                parent,
                self._began_ns,
                ended,
                {
                    "weir.role": "router",
                    **of_record(self._topic, self._partition, record.offset),
                    "weir.waited_ms": max(0, self._began_ns // 1_000_000 - record.timestamp),
                    "weir.commands": commands,
                },
            )
            for record, parent, own, commands in self._found.values()
            if own.sampled
        ]
