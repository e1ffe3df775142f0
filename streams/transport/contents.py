"""The contents of a transactional table: for each partition a dict that equals its changelog up to a position.

It changes in two ways only: by reading the changelog (recovery), and after a batch transaction has committed.  So it is
never ahead of the log.  Where a partition begins is said by ``begin``, and by nothing that is read or written: a chunk
may be late, and a table may have been forgotten meanwhile.  No Faust in here: the simulated broker uses the same class.
"""

from collections.abc import Collection, Iterator, Mapping

from streams.transport.port import Chunk, TopicPartition

POSITION = b"\x00position:"
"""Key prefix of the position records: ``\\x00position:<input topic>`` → next offset to read, as decimal digits."""


def position_key(topic: str) -> bytes:
    """Key under which a table keeps the position of an input topic (the partition is the table's own)."""
    return POSITION + topic.encode()


class TableContents:
    """``parts[p]`` is the changelog of partition ``p`` up to ``position[p]`` (next changelog offset)."""

    def __init__(self) -> None:
        self.parts: dict[int, dict[bytes, bytes]] = {}
        self.position: dict[int, int] = {}

    def input_position(self, tp: TopicPartition) -> int | None:
        """Next offset to read of the input ``tp``; None when nothing of it was ever processed."""
        raw = self.parts.get(tp.partition, {}).get(position_key(tp.topic))
        return int(raw) if raw is not None else None

    def keep_only(self, partitions: Collection[int]) -> None:
        """Forget partitions that this process does not hold any more."""
        for partition in [p for p in self.position if p not in partitions]:
            del self.position[partition]
            self.parts.pop(partition, None)

    def begin(self, partition: int, position: int) -> None:
        """The changelog of a partition that is not known yet will be read from ``position``, its first record, on."""
        if partition not in self.position:
            self.parts[partition], self.position[partition] = {}, position

    def is_begun(self, partition: int) -> bool:
        """Whether its changelog is being read, or was."""
        return partition in self.position

    def apply_chunk(self, chunk: Chunk) -> bool:
        """Apply changelog records; False when records before the chunk are missing, or it was not begun."""
        partition = chunk.tp.partition
        at = self.position.get(partition)
        if at is None or chunk.start > at:
            return False
        part = self.parts[partition]
        for record in chunk.records:
            if record.key is None or record.offset < at:
                continue
            if record.value is None:
                part.pop(record.key, None)
            else:
                part[record.key] = record.value
        self.position[partition] = max(at, chunk.end)
        return True

    def apply_commit(self, partition: int, writes: Mapping[bytes, bytes | None], position: int) -> bool:
        """Apply the writes of a committed transaction, which ended the changelog at ``position``.

        False, and nothing is applied, when the partition was not begun.
        """
        if partition not in self.position:
            return False
        part = self.parts[partition]
        for key, value in writes.items():
            if value is None:
                part.pop(key, None)
            else:
                part[key] = value
        self.position[partition] = position
        return True

    def items(self, partition: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Entities of one partition, or of all, without the position records."""
        parts = list(self.parts.values()) if partition is None else [self.parts.get(partition, {})]
        return ((key, value) for part in parts for key, value in part.items() if not key.startswith(POSITION))
