"""The context of a span, its form as a header, and ids that are derived from what a span is about.

``traceparent`` is that of W3C Trace Context: ``00-<trace id, 32 hex>-<span id, 16 hex>-<flags, 2 hex>``.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

HEADER = "traceparent"
TRACE_BYTES, SPAN_BYTES = 16, 8
SAMPLED = 1
MAX_BYTES = 512
RATIO_BITS = 64
_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)

Headers = Iterable[tuple[str, bytes | None]]


class Context(NamedTuple):
    """Where a span is: both ids are positive integers, of 128 and 64 bits."""

    trace_id: int
    span_id: int
    sampled: bool

    def encoded(self) -> bytes:
        """The value of ``traceparent``."""
        return b"00-%032x-%016x-%02x" % (self.trace_id, self.span_id, self.sampled)

    def child(self, *about: object) -> "Context":
        """Of the span about that, within the same trace."""
        return Context(self.trace_id, span_id(*about), self.sampled)


def decode(value: bytes | None) -> Context | None:
    """The context that a header holds; ``None`` for none, and for what is not one: whoever wrote it may be anyone."""
    if value is None or len(value) > MAX_BYTES or (found := _FORM.fullmatch(value.strip())) is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    trace_number, span_number = int(trace, 16), int(span, 16)
    if not trace_number or not span_number:
        return None
    return Context(trace_number, span_number, bool(int(flags, 16) & SAMPLED))


def of_headers(headers: Headers) -> Context | None:
    """The context in a record's headers."""
    for name, value in headers:
        if name == HEADER:
            return decode(value)
    return None


def root(ratio: float, *about: object, by: str | None = None) -> Context:
    """Of a span that begins a trace.  ``by`` decides instead of the trace id whether it is sampled."""
    trace = trace_id(*about)
    return Context(trace, span_id(*about), is_sampled(ratio, trace if by is None else trace_id(by)))


def trace_id(*about: object) -> int:
    """The same for the same, never 0."""
    return _number(about, TRACE_BYTES, b"weir trace")


def span_id(*about: object) -> int:
    """The same for the same, never 0."""
    return _number(about, SPAN_BYTES, b"weir span")


def is_sampled(ratio: float, trace: int) -> bool:
    """As OpenTelemetry's TraceIdRatioBased, so that every role and every other service decides alike."""
    bound = round(ratio * (1 << RATIO_BITS))
    return trace & ((1 << RATIO_BITS) - 1) < bound


def _number(about: tuple[object, ...], size: int, person: bytes) -> int:
    text = "\0".join(map(str, about)).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=size, person=person).digest()) or 1
