"""Faust's recovery, as it is under the transport."""

import asyncio
from collections import Counter
from types import SimpleNamespace

import faust
import pytest
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP

from streams import transport
from streams.transport import consumer
from streams.transport.contents import position_key
from streams.transport.memory_broker import MemoryRecord
from streams.transport.options import TransportOptions
from streams.transport.port import Chunk
from streams.transport.recovery import ChunkRecovery
from streams.transport.restoring import MAX_GAPS

PATIENCE_S = 0.05
"""Faust's, for what takes longer here."""


@pytest.fixture
async def recovery(tmp_path) -> ChunkRecovery:
    """That of an app which is not started; it takes the loop that runs when it is made."""
    app = faust.App("app", datadir=tmp_path, **transport.app_settings())
    transport.install(app, TransportOptions(client={"bootstrap_servers": "127.0.0.1:1"}))
    return app.tables.recovery


async def test_a_step_may_take_longer_than_a_request(recovery):
    """A database that has the positions may be away: Faust's recovery ends there, for good, in silence."""
    done = asyncio.Event()

    async def slowly():
        await asyncio.sleep(2 * PATIENCE_S)
        done.set()

    with pytest.raises(ServiceStopped):
        await Recovery._wait(recovery, slowly(), timeout=PATIENCE_S)
    assert not done.is_set(), "this is what we are without"
    await recovery._wait(slowly(), timeout=PATIENCE_S)
    assert done.is_set()


async def test_a_step_ends_with_the_next_rebalance(recovery):
    recovery.signal_recovery_start.set()
    with pytest.raises(RebalanceAgain):
        await recovery._wait(asyncio.sleep(60), timeout=PATIENCE_S)


class Changelog:
    """Faust's consumer, as far as a recovery asks it; the changelog begins at ``first``."""

    def __init__(self, first: int = 0, meanwhile=lambda _: None) -> None:
        self.first, self.sought, self.meanwhile = first, {}, meanwhile

    async def seek_wait(self, offsets):
        self.sought |= offsets

    async def earliest_offsets(self, *tps):
        self.meanwhile(self)
        return dict.fromkeys(tps, self.first)


class Table:
    """The recovery's table with one partition, which is ours."""

    def __init__(self, recovery):
        self.recovery = recovery
        self.table = recovery.app.Table("things", partitions=1)
        self.tp = TP(self.table.changelog, 0)
        recovery.active_tps.add(self.tp)
        recovery.tp_to_table[self.tp] = self.table

    async def seek(self, offset, first=0, meanwhile=lambda _: None):
        changelog = Changelog(first, meanwhile)
        await self.recovery._seek_offsets(changelog, {self.tp}, Counter({self.tp: offset}), "active")
        return changelog.sought[self.tp]

    def take(self, start, *keys):
        return self.recovery.apply_chunk(self.chunk(start, *keys))

    def chunk(self, start, *keys):
        records = [
            MemoryRecord(key=key, value=b"1", headers=(), offset=start + at, timestamp=0) for at, key in enumerate(keys)
        ]
        end = start + len(keys) + 1  # behind the transaction's marker
        return Chunk(self.tp, start, records, end, end)

    @property
    def keys(self):
        return list(self.table.partition(0))


async def test_how_far_a_recovery_is(recovery):
    table = Table(recovery)
    recovery.in_recovery = True
    assert recovery.reached() is None, "nobody knows yet where the changelog ends"
    recovery.active_highwaters[table.tp] = 9
    recovery.active_offsets[table.tp] = -1
    await table.seek(-1)
    assert recovery.reached() == (0, 10)
    table.take(0, b"a", b"b", b"c")
    assert recovery.reached() == (4, 10)
    table.take(4, *b"ABCDEFGH")
    assert recovery.reached() is None, "it is over"


async def test_what_was_fetched_for_a_former_assignment_is_no_beginning(recovery):
    """The tables have forgotten everything, since somebody else may have had the partition; its last record comes."""
    table, position = Table(recovery), position_key("commands")
    await table.seek(-1)
    assert table.take(0, b"a", b"b", position) is None
    assert await table.seek(3) == 3
    table.table.contents.keep_only(())
    assert table.take(2, position) is None
    assert (table.keys, table.table.persisted_offset(table.tp)) == ([], None)
    assert await table.seek(-1) == 0
    assert table.take(2, position) == 0, "it is still on its way: read from the beginning"
    assert table.take(0, b"a", b"b", position) is None
    assert table.keys == [b"a", b"b", position]
    assert recovery.active_offsets[table.tp] == 3


async def test_what_comes_before_a_table_is_begun_is_read_again(recovery):
    """The reader has passed it: if that were after the seek, nothing would bring it back, and the recovery not end."""
    table, came = Table(recovery), []

    def comes(changelog):
        came.append(table.take(0, b"a"))
        assert changelog.sought == {}

    await table.seek(-1, meanwhile=comes)
    assert (came, table.keys) == ([None], [])
    assert table.take(0, b"a") is None
    assert table.keys == [b"a"]


async def test_what_comes_when_the_next_generation_has_begun_counts(recovery, monkeypatch):
    """The reader has passed it, too; and it is what the changelog says, whoever has asked for it."""
    table = Table(recovery)
    await table.seek(-1)
    app = SimpleNamespace(consumer_generation_id=1, tables=SimpleNamespace(recovery=recovery))
    fetcher = SimpleNamespace(should_stop=False)

    class Reader:
        def __init__(self, _thread):
            pass

        async def pull(self, _tps, _timeout):
            app.consumer_generation_id, fetcher.should_stop = 2, True
            return [table.chunk(0, b"a")]

    monkeypatch.setattr(consumer, "ThreadReader", Reader)
    of_table = SimpleNamespace(
        app=app,
        should_stop=False,
        flow_active=True,
        _thread=None,
        _get_active_partitions=lambda: {table.tp},
        _is_lane=lambda _: False,
    )
    await consumer.LaneConsumer._drain_messages(of_table, fetcher)
    assert table.keys == [b"a"]


async def test_a_changelog_begins_where_its_first_record_is(recovery):
    table = Table(recovery)
    await table.seek(0, first=1)
    assert table.take(1, b"a") is None
    assert table.keys == [b"a"]


async def test_records_that_are_missing_end_the_process(recovery, monkeypatch):
    table, deaths = Table(recovery), []
    monkeypatch.setattr(recovery.app.tx, "fatal", lambda message, error=None: deaths.append(message))
    await table.seek(-1)
    for _ in range(2):
        assert [table.take(5, b"a") for _ in range(MAX_GAPS)] == [0] * MAX_GAPS
        assert table.take(0, b"a") is None  # a seek had crossed what was being fetched
        table.table.contents.keep_only(())
        await table.seek(-1)
    assert deaths == []
    assert [table.take(5, b"a") for _ in range(MAX_GAPS + 1)] == [0] * (MAX_GAPS + 1)
    assert deaths == [f"Expected {table.tp.topic}[0] to go on at 0, but got [5, 7): changelog records are missing"]


async def test_what_is_not_ours_is_left_aside(recovery):
    table = Table(recovery)
    await table.seek(-1)
    recovery.active_tps.clear()
    assert table.take(0, b"a") is None
    assert table.keys == []
