"""What a table holds: nothing that comes says by itself where a partition begins."""

import pytest

from streams.log import LogError, Span, read_tables
from streams.transport.contents import TableContents
from streams.transport.memory_broker import MemoryRecord
from streams.transport.port import Chunk, TopicPartition

CHANGELOG = TopicPartition("changelog", 1)


def chunk(start, **values):
    """Records from ``start`` on, and behind them the marker of their transaction."""
    records = [MemoryRecord(key.encode(), value, (), start + at, 0) for at, (key, value) in enumerate(values.items())]
    end = start + len(records) + 1
    return Chunk(CHANGELOG, start, records, end, end)


@pytest.fixture
def contents():
    return TableContents()


def test_what_was_not_begun_takes_nothing(contents):
    assert not contents.apply_chunk(chunk(0, a=b"1"))
    assert not contents.apply_commit(1, {b"a": b"1"}, 2)
    assert (contents.parts, contents.position, contents.is_begun(1)) == ({}, {}, False)


def test_a_partition_goes_on_from_where_it_begins(contents):
    contents.begin(1, 3)
    assert contents.is_begun(1)
    assert not contents.apply_chunk(chunk(4, b=b"1")), "what lies before it is missing"
    assert contents.apply_chunk(chunk(3, a=b"1", b=b"1"))
    assert contents.apply_chunk(chunk(4, b=b"old", c=b"1", a=None)), "the first two are known"
    assert contents.apply_commit(1, {b"c": None, b"d": b"1"}, 9)
    assert (contents.parts, contents.position) == ({1: {b"b": b"1", b"d": b"1"}}, {1: 9})
    contents.begin(1, 0)
    assert contents.position == {1: 9}, "what is known is not begun again"


def test_what_was_forgotten_is_begun_again(contents):
    contents.begin(1, 0)
    contents.apply_chunk(chunk(0, a=b"1"))
    contents.keep_only(())
    assert not contents.apply_chunk(chunk(2, b=b"1"))
    contents.begin(1, 0)
    assert (contents.parts, contents.position) == ({1: {}}, {1: 0})


class Log:
    """``LogReader`` of these chunks."""

    def __init__(self, *chunks):
        self.chunks = chunks

    async def read(self, _spans):
        for one in self.chunks:
            yield one


async def test_tables_are_read_from_where_their_changelogs_begin():
    spans = {CHANGELOG: Span(3, 8), TopicPartition("changelog", 0): Span(0, 0)}
    assert await read_tables(Log(chunk(3, a=b"1"), chunk(5, b=b"1", a=None)), spans) == {0: {}, 1: {b"b": b"1"}}
    with pytest.raises(LogError, match=r"Expected changelog\[1\] to go on at 5, but got \[6, 8\)"):
        await read_tables(Log(chunk(3, a=b"1"), chunk(6, b=b"1")), spans)
