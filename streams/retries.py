"""A record that was a dead letter and was sent again: what its headers tell the roles that meet it.

| header          | it holds                                                                          |
|-----------------|-----------------------------------------------------------------------------------|
| `weir_retry_of` | ``<partition>:<offset>`` of the letter on ``process-dead-letters``                |
| `weir_retry_for`| the role that had given the record up, then the definitions that failed there     |
| `weir_arrived`  | when the original arrived, Unix ms of wall time                                   |

A telemetry topic has several readers, and each gave up a record for itself: the others have done their part, so a
retried reading is for that one only, and there for those definitions only.  It keeps its age.  A command needs none of
this but the first: it is decided once, as any other.

Anyone may write such headers.  So nothing here makes a reading younger than the record that carries it, and what cannot
be read counts as absent.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

from streams.records import Headers, Record

RETRY_HEADER = "weir_retry_of"
FOR_HEADER = "weir_retry_for"
ARRIVED_HEADER = "weir_arrived"
MAX_DIGITS = 15


class Retry(NamedTuple):
    """``letter`` is the retried one's place; ``role`` and ``definitions`` are empty for all of them."""

    letter: str
    role: str = ""
    definitions: frozenset[str] = frozenset()
    arrived_ms: int | None = None

    @classmethod
    def of(cls, headers: Headers) -> Self | None:
        """What the headers say; ``None`` for a record that is no retry."""
        for name, _ in headers:
            if name == RETRY_HEADER:
                break
        else:
            return None
        found: Mapping[str, bytes | None] = dict(headers)
        letter = found[RETRY_HEADER] or b""
        role, *definitions = (found.get(FOR_HEADER) or b"").decode(errors="replace").split() or [""]
        arrived = found.get(ARRIVED_HEADER) or b""
        known = arrived.isdigit() and len(arrived) <= MAX_DIGITS
        return cls(letter.decode(errors="replace"), role, frozenset(definitions), int(arrived) if known else None)

    def concerns(self, role: str, definition: str | None = None) -> bool:
        """Whether the record is for ``role`` (and there for ``definition``)."""
        if self.role not in ("", role):
            return False
        return definition is None or not self.definitions or definition in self.definitions

    def headers(self) -> list[tuple[str, bytes]]:
        """The headers that say this."""
        named = [(RETRY_HEADER, self.letter)]
        if self.role:
            named.append((FOR_HEADER, " ".join([self.role, *sorted(self.definitions)])))
        if self.arrived_ms is not None:
            named.append((ARRIVED_HEADER, str(self.arrived_ms)))
        return [(name, text.encode()) for name, text in named]


def arrived_ms(record: Record, retry: Retry | None) -> int:
    """When the record arrived, Unix ms of wall time: a retried one when its original did."""
    if retry is None or retry.arrived_ms is None:
        return record.timestamp
    return min(record.timestamp, retry.arrived_ms)
