"""Records whose header names are no UTF-8: aiokafka's parser raises at them, and would never get past the first.

Kafka keeps a header's name as bytes; whoever writes to a topic may put there what is no text.  ``install`` has every
consumer of this process go on with aiokafka's slower parser from such a record to the end of what was fetched, with
the bytes that are no text spelled out in the names.  So nothing is skipped, and a record is what key and value say.

What the parser has done before stays as it is: ``_unpack_records`` skips what lies before ``next_fetch_offset``, and
keeps the transactions that it knows to be aborted in the object.
"""

import struct
from collections.abc import Iterator
from typing import Any, Self

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = struct.Struct(">qi")
"""Base offset and length (of what follows) begin every record batch: https://kafka.apache.org/documentation/#recordbatch"""


class _Names(bytearray):
    """The bytes of a record batch, whose parts read as text whatever they hold."""

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _Names(part) if isinstance(index, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:  # noqa: ARG002
        return bytes(self).decode(encoding, "backslashreplace")


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for its authors' own type checks
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Names(self._buffer)


class KeptRecords:
    """aiokafka's ``MemoryRecords``, with the bytes that it was made of."""

    def __init__(self, data: bytes) -> None:
        self._data, self._records = data, MemoryRecords(data)
        self.has_next, self.next_batch = self._records.has_next, self._records.next_batch
        self.size_in_bytes = self._records.size_in_bytes

    def leniently_from(self, offset: int) -> "_LenientRecords":
        """The batches from the one that holds ``offset``."""
        return _LenientRecords(batch for batch in _batches(self._data) if batch.next_offset > offset)


def _batches(data: bytes) -> Iterator[_LenientBatch]:
    """The last one may be cut off by the size of a fetch; older formats than the second have no headers."""
    at = 0
    while len(data) - at >= _LENGTH.size:
        end = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[1]
        if end > len(data):
            return
        yield _LenientBatch(data[at:end])
        at = end


class _LenientRecords:
    """``MemoryRecords`` as far as ``PartitionRecords`` uses it."""

    def __init__(self, batches: Iterator[_LenientBatch]) -> None:
        self._batches = batches
        self._next = next(batches, None)

    def has_next(self) -> bool:
        return self._next is not None

    def next_batch(self) -> _LenientBatch | None:
        batch, self._next = self._next, next(self._batches, None)
        return batch


class LenientPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records that one fetch returned of one partition."""

    _records: KeptRecords | _LenientRecords
    _records_iterator: Any

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._records_iterator)  # as theirs does; a call of it would cost each record as much again
        except StopIteration:
            self._records_iterator = None
            raise
        except UnicodeDecodeError:
            assert isinstance(self._records, KeptRecords)
            self._records = self._records.leniently_from(self.next_fetch_offset)
            self._records_iterator = self._unpack_records()
            return super().__next__()


def install() -> None:
    """For every consumer that is made in this process."""
    fetcher.MemoryRecords = KeptRecords
    fetcher.PartitionRecords = LenientPartitionRecords
