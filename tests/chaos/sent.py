"""What the load has sent: for the checker (``weir.verify.sent``), and readings, told apart by their mark."""

from dataclasses import dataclass, field

from weir.verify.sent import Sent


@dataclass
class Book:
    """Of all senders."""

    sent: Sent = field(default_factory=lambda: Sent(alone=True))
    placed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """(partition, offset) of the readings that Kafka took directly, by their mark."""
    published: set[str] = field(default_factory=set)
    """Marks of the readings that the MQTT broker has acknowledged."""
