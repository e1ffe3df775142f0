"""What a processor's batch is made of, and what it writes, in memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.core.plant import START


@dataclass
class Record:
    """A record of ``process-commands``."""

    value: bytes | None
    key: bytes | None = b"k"
    headers: Sequence[tuple[str, bytes | None]] = ()
    offset: int = 0
    timestamp: int = START


class Transaction:
    """Collects what a batch writes, over a dict that stands for the committed table."""

    def __init__(self, table: dict[bytes, bytes]) -> None:
        self.table = table
        self.writes: dict[bytes, bytes | None] = {}
        self.sent: list[tuple[str, int, bytes | None, bytes | None, Any]] = []

    def get(self, key: bytes) -> bytes | None:
        return self.writes[key] if key in self.writes else self.table.get(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.writes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.writes[key] = None

    def send(self, *record: Any) -> None:
        self.sent.append(record)

    def to(self, topic: str) -> list[dict[str, Any]]:
        """The values sent to a topic."""
        return [json.loads(value) for name, _, _, value, _ in self.sent if name == topic and value is not None]

    def commit(self) -> None:
        """Write the table."""
        for key, value in self.writes.items():
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value
