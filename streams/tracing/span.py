"""A span as a value: made where the work is done, exported once the work counts."""

from dataclasses import dataclass, field
from typing import Literal

from streams.tracing.context import Context

Kind = Literal["server", "consumer", "client"]
Attribute = str | int | float | bool | list[str]


@dataclass(slots=True)
class Span:
    """``began_ns`` and ``ended_ns`` are wall time in Unix nanoseconds; ``error`` tells why it is a failure."""

    name: str
    kind: Kind
    context: Context
    parent: Context | None
    began_ns: int
    ended_ns: int
    attributes: dict[str, Attribute] = field(default_factory=dict)
    links: tuple[Context, ...] = ()
    error: str | None = None


def of_record(topic: str, partition: int, offset: int) -> dict[str, Attribute]:
    """Attributes of a span about a record that was read (OpenTelemetry's messaging conventions)."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
    }
