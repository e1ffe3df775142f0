"""A reading starts each process that it must start once, and no other."""

from collections import Counter
from collections.abc import Iterator

from weir.verify.gathered import Gathered
from weir.verify.report import Difference
from weir.verify.sent import Sent

NAME = "reading"


def check(gathered: Gathered, sent: Sent) -> Iterator[Difference]:
    """Look for readings that were routed twice, and compare with what was sent."""
    for (topic, partition, offset), definitions in gathered.started_by.items():
        for definition, times in Counter(definitions).items():
            if times > 1:
                why = f"start: expected one of {definition}, but the log has {times}"
                yield Difference(NAME, f"{topic}[{partition}] at {offset}", None, why)
    for reading in sent.readings:
        started = set(gathered.started_by.get((reading.topic, reading.partition, reading.offset), ()))
        expected = set(reading.starts)
        subject = f"{reading.topic}[{reading.partition}] at {reading.offset}"
        for definition in sorted(expected - started) if not reading.uncertain else ():
            yield Difference(NAME, subject, None, f"start: expected one of {definition}, but the log has none")
        for definition in sorted(started - expected):
            yield Difference(NAME, subject, None, f"start: expected none of {definition}, but the log has one")
