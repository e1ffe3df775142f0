"""Spans of what was projected: one for each turn of the processor, under that turn's span, as long as its batch."""

from projections.records import Batch
from streams.tracing import context
from streams.tracing.context import Context
from streams.tracing.span import Span, of_record
from streams.tracing.tracer import Tracer


def projected(tracer: Tracer, batch: Batch, began_ns: int) -> None:
    """The batch is committed; a turn whose events came in two batches has two spans, with each batch's first offset."""
    turns: dict[Context, tuple[int, int]] = {}
    for record in batch.records:
        turn = context.of_headers(record.headers)
        if turn is not None and turn.sampled:
            first, count = turns.get(turn, (record.offset, 0))
            turns[turn] = (first, count + 1)
    topic, partition = batch.tp
    ended = tracer.now_ns()
    tracer.export(
        Span(
            f"project {topic}",
            "consumer",
            turn.child("projection", turn.span_id, topic, partition, first),
            turn,
            began_ns,
            ended,
            {
                "weir.role": "projector",
                **of_record(topic, partition, first),
                "weir.events_written": count,
                "messaging.batch.message_count": len(batch.records),
            },
        )
        for turn, (first, count) in turns.items()
    )
