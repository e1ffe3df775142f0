"""Bugs in the bridge."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.bridging import Bridge
from tests.mutations.replacing import replaced


@contextmanager
def acknowledge_early() -> Iterator[None]:
    """A message is acknowledged to the MQTT broker when it arrives: whoever dies before Kafka has it has lost it."""

    def hasty(original: Any) -> Any:
        def deliver(self: Any, message: Any, acknowledge: Any) -> None:
            acknowledge()
            original(self, message, lambda: None)

        return deliver

    with replaced(Bridge, "_deliver", hasty):
        yield
