"""An OpenTelemetry collector: takes spans by OTLP over HTTP, as protobuf, and keeps them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from weir.stack.ports import free_port_numbers

DEADLINE_S = 60.0


@dataclass(frozen=True)
class Got:
    """A span as it arrived; ids are hexadecimal, ``parent`` is "" for a root."""

    role: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    """Span ids."""
    attributes: dict[str, Any]
    seconds: float
    failed: bool


class Collector:
    """``spans`` by what has arrived so far."""

    def __init__(self) -> None:
        self.spans: list[Got] = []

    async def take(self, request: web.Request) -> web.Response:
        batch = ExportTraceServiceRequest.FromString(await request.read())
        for of_resource in batch.resource_spans:
            (role,) = (one.value.string_value for one in of_resource.resource.attributes if one.key == "service.name")
            for scope in of_resource.scope_spans:
                self.spans += [_got(role.removeprefix("weir-"), span) for span in scope.spans]
        return web.Response(body=b"", content_type="application/x-protobuf")

    async def until(self, holds: Callable[["Collector"], bool]) -> None:
        """Wait until what has arrived is enough."""
        end = time.monotonic() + DEADLINE_S
        while not holds(self):
            assert time.monotonic() < end, "\n".join(f"{span}" for span in self.spans)
            await asyncio.sleep(0.05)

    def named(self, role: str, name: str, **attributes: object) -> list[Got]:
        """Those of a role whose name begins so, and that have these attributes (``_`` for ``.``)."""
        return [
            span
            for span in self.spans
            if span.role == role
            and span.name.startswith(name)
            and attributes.items() <= {key.replace(".", "_"): value for key, value in span.attributes.items()}.items()
        ]

    def children(self, of: Got, role: str) -> list[Got]:
        """Of a span, those of a role."""
        return [span for span in self.spans if (span.trace, span.parent, span.role) == (of.trace, of.id, role)]


def _got(role: str, span: Message) -> Got:
    return Got(
        role,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        tuple(link.span_id.hex() for link in span.links),
        {one.key: _value(one.value) for one in span.attributes},
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        span.status.code == Status.STATUS_CODE_ERROR,
    )


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(one) for one in value.array_value.values)
    return getattr(value, kind)


@asynccontextmanager
async def serving(**routes: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """A server of ``POST /<name>`` for each; yields its base URL."""
    app = web.Application()
    for name, handler in routes.items():
        app.router.add_post("/" + name.replace("__", "/"), handler)
    runner = web.AppRunner(app)
    (port,) = free_port_numbers(1, 20000, 20999)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
