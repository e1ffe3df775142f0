"""Spans → OTLP over HTTP, by OpenTelemetry's own SDK: a bounded queue and a thread, so that no role waits for it.

A collector that is away costs spans, and lines in the log.  ``OTEL_EXPORTER_OTLP_HEADERS``, ``…_CERTIFICATE`` and the
like hold as OpenTelemetry documents them.
"""

import asyncio
import os
import socket
from collections.abc import Iterable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from streams.tracing.context import Context
from streams.tracing.span import Span

PATH = "/v1/traces"
TIMEOUT_S = 5.0
KINDS = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER, "client": SpanKind.CLIENT}


class OtlpExporter:
    """Sends to ``endpoint``, the base URL of a collector; whole spans only, of what has happened."""

    def __init__(self, endpoint: str, role: str, namespace: str) -> None:
        url = endpoint if endpoint.endswith(PATH) else endpoint.rstrip("/") + PATH
        resource = {
            "service.name": f"weir-{role}",
            "service.namespace": namespace,
            "service.instance.id": f"{socket.gethostname()}/{os.getpid()}",
        }
        self._ids = _Given()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # what comes here is to be sent
            resource=Resource.create(resource),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=TIMEOUT_S)))
        self._tracer = self._provider.get_tracer("weir")

    def export(self, spans: Iterable[Span]) -> None:
        for span in spans:
            self._ids.context = span.context
            parent = None if span.parent is None else trace.set_span_in_context(NonRecordingSpan(_of(span.parent)))
            made = self._tracer.start_span(
                span.name,
                context=parent or trace.set_span_in_context(trace.INVALID_SPAN),
                kind=KINDS[span.kind],
                attributes=span.attributes,
                links=[Link(_of(one)) for one in span.links],
                start_time=span.began_ns,
            )
            if span.error is not None:
                made.set_status(Status(StatusCode.ERROR, span.error))
            made.end(span.ended_ns)

    async def stop(self) -> None:
        await asyncio.to_thread(self._provider.shutdown)


class _Given(IdGenerator):
    """Gives the ids of the span that is being exported."""

    context = Context(1, 1, sampled=True)

    def generate_span_id(self) -> int:
        return self.context.span_id

    def generate_trace_id(self) -> int:
        return self.context.trace_id


def _of(context: Context) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=flags)
