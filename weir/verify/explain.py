"""Where digests differ: the events of an instance beside its rows, seq by seq, with nothing but equality.

A digest may differ where nothing does (a number that is spelt in a way nobody thought of), so this has the last word.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from streams.core.events import Event
from weir.verify.canonical import differing
from weir.verify.history import event_fields, row_fields
from weir.verify.report import Difference


def compare_history(instance: str, events: Iterable[Event], rows: Iterable[Any]) -> list[Difference]:
    """Each event beside its row."""
    expected: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        expected[event.seq].append(event_fields(event))
    for row in rows:
        found[row["seq"]].append(row_fields(row))
    differences = []
    for seq in sorted(expected.keys() | found.keys()):
        differences += _compare_seq(instance, seq, expected[seq], found[seq])
    return differences


def _compare_seq(
    instance: str, seq: int, expected: list[dict[str, Any]], found: list[dict[str, Any]]
) -> list[Difference]:
    """Events and rows of one seq, of which there should be one each."""
    rest = list(found)
    lacking = []
    for event in expected:
        row = next((row for row in rest if not list(differing(event, row))), None)
        if row is None:
            lacking.append(event)
        else:
            rest.remove(row)
    differences = []
    for event, row in zip(lacking, rest, strict=False):
        text = "; ".join(
            f"{name}: expected {one}, but process_history has {other}" for name, one, other in differing(event, row)
        )
        differences.append(Difference("history", instance, seq, text))
    for event in lacking[len(rest) :]:
        message = f"row: expected {event['event_type']} of {event['timestamp']}, but process_history has none"
        differences.append(Difference("history-missing", instance, seq, message))
    for row in rest[len(lacking) :]:
        message = f"row: expected none, but process_history has {row['event_type']} of {row['timestamp']}"
        differences.append(Difference("history-extra", instance, seq, message))
    return differences
