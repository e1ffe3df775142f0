"""The header ``traceparent``, ids that are derived, and sampling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streams.tracing.context import Context, decode, is_sampled, of_headers, root, span_id, trace_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONTEXT = Context(int(TRACE, 16), int(SPAN, 16), sampled=True)

contexts = st.builds(Context, st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())


@given(contexts)
def test_what_is_written_is_read(context: Context) -> None:
    assert decode(context.encoded()) == context


@given(contexts)
def test_opentelemetry_reads_what_is_written(context: Context) -> None:
    carrier = {"traceparent": context.encoded().decode()}
    read = trace.get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()
    assert (read.trace_id, read.span_id, bool(read.trace_flags & 1)) == context


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"01-{TRACE}-{SPAN}-01-" + "x" * 600,
    ],
)
def test_what_is_no_context_is_none(text: str) -> None:
    assert decode(text.encode()) is None


def test_of_a_later_version_the_known_part_is_read() -> None:
    assert decode(f"01-{TRACE}-{SPAN}-03-more".encode()) == CONTEXT
    assert decode(f" 00-{TRACE}-{SPAN}-00 ".encode()) == CONTEXT._replace(sampled=False)


def test_a_record_without_the_header_has_none() -> None:
    assert of_headers([("ce_type", b"started"), ("traceparent", None)]) is None
    assert of_headers([("ce_type", b"started"), ("traceparent", CONTEXT.encoded())]) == CONTEXT


def test_ids_are_the_same_for_the_same_and_differ_for_what_differs() -> None:
    names = [("turn", "a", 1), ("turn", "a", 2), ("turn", "b", 1), ("action", "a", 1), ("turn", "a1", "")]
    assert len({span_id(*name) for name in names}) == len({trace_id(*name) for name in names}) == len(names)
    # Released: a worker of another version must give the same span for the same work.
    assert CONTEXT.child("turn", "a", 1, "0:7") == (CONTEXT.trace_id, 0x3951AE5E79C1D405, True)


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.5, 1.0])
def test_the_ratio_decides_as_opentelemetry_does(ratio: float) -> None:
    theirs = TraceIdRatioBased(ratio)
    ids = [trace_id("record", number) for number in range(400)]
    ours = [is_sampled(ratio, one) for one in ids]
    assert ours == [theirs.should_sample(None, one, "").decision is Decision.RECORD_AND_SAMPLE for one in ids]
    assert abs(sum(ours) / len(ids) - ratio) < 0.1


def test_a_root_is_sampled_by_its_trace_or_by_what_it_is_given() -> None:
    by_instance = {root(0.5, "turn", "instance", seq, by="instance").sampled for seq in range(50)}
    assert len(by_instance) == 1
    assert {root(0.5, "turn", "instance", seq).sampled for seq in range(50)} == {True, False}
