"""The events of one partition, from the log into a fold, with what happens at offsets on the way."""

from collections.abc import Callable, Sequence

import msgspec

from streams.codec import decode_event
from streams.core.events import Event
from streams.log import LogReader, Span
from streams.records import Record
from streams.transport.port import TopicPartition
from weir.verify.checks import STATE_CHECKS
from weir.verify.fold import Fold
from weir.verify.report import Difference

SETTLES_S = 90.0
"""A transaction whose worker has died is ended by the broker: after 20 s, by the transport's options."""
Cut = tuple[int, Callable[[], None]]
"""An offset, and what to do before its event is taken."""


async def fold_events(
    log: LogReader,
    tp: TopicPartition,
    fold: Fold,
    end: int,
    cuts: Sequence[Cut] = (),
    *,
    only: str | None = None,
    take: Callable[[Event], None] | None = None,
    tell: Callable[[int], None] | None = None,
) -> None:
    """Fold ``tp`` up to offset ``end``, past ``cuts`` (in the order of offsets).

    ``only`` is the one subject whose events are folded; ``take`` is given each event as well; ``tell`` is told how many
    offsets more are done.  What is no event becomes a difference of the fold.  Raises ``UpgradeError``, and what
    ``log`` raises.
    """
    passing = list(cuts)
    async for chunk in log.read({tp: Span(0, end)}):
        for record in chunk.records:
            while passing and record.offset >= passing[0][0]:
                passing.pop(0)[1]()
            event = _decoded(tp, record, fold)
            if event is not None and only in (None, event.subject):
                fold.take(event)
                if take is not None:
                    take(event)
        if tell is not None:
            tell(chunk.end - chunk.start)
    for _, pass_cut in passing:
        pass_cut()


def event_of(record: Record) -> tuple[Event | None, str]:
    """The event, or why there is none."""
    try:
        return decode_event(record.value or b""), ""
    except msgspec.MsgspecError as error:
        return None, str(error)


def check_states(fold: Fold) -> list[Difference]:
    """The checks of what is there at the end."""
    return [
        Difference(name, subject, entity.seq, why)
        for subject, entity in fold.entities.items()
        if subject not in fold.broken
        for name, check in STATE_CHECKS.items()
        if (why := check(entity)) is not None
    ]


def _decoded(tp: TopicPartition, record: Record, fold: Fold) -> Event | None:
    event, why = event_of(record)
    seq, message = None, ""
    if event is None:
        message = f"expected an event, but the log has: {why}"
    elif record.key != event.subject.encode():
        seq = event.seq
        message = (
            f"expected the key {event.subject}, but the record has {(record.key or b'').decode(errors='replace')!r}"
        )
    if message:
        where = f"{tp.topic}[{tp.partition}]"
        fold.differences.append(Difference("record", where, seq, f"offset {record.offset}: {message}"))
    return event
