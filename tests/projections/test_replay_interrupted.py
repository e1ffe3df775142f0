"""A replay that is killed, or that finds the log shorter than the tables."""

import asyncio
import itertools
import signal
import uuid
from datetime import datetime
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition as AioTopicPartition

from projections.errors import RecordsLostError, ReplayError, TopicRecreatedError
from projections.replay import TableReport, replay, shadow, swap
from streams.kafka import client_options
from streams.topics import load_topics
from tests.forking import Forked
from tests.projections import replay_worker
from tests.projections.replaying import ReplaySite, Rows
from tests.roles import environment

OTHERS = 40 + 2
"""Records beside the events: readings, a definition and its activation."""
REPLACED_LEFT = "SELECT count(*) FROM pg_namespace WHERE nspname = 'weir_replay_old'"


def start_replay(site: ReplaySite, point: str) -> Forked:
    """A replay in a child process that ends at ``point``."""
    log = site.settings.topics_file.with_name(f"{uuid.uuid4().hex}.log")
    return Forked(log, environment(site.settings), replay_worker.main, point)


async def replay_until(site: ReplaySite, point: str) -> None:
    """A replay that is killed at ``point``."""
    code, output = await start_replay(site, point).finish()
    assert code == -signal.SIGKILL, output


async def damaged(site: ReplaySite) -> tuple[Rows, Rows]:
    """What the rows must be, and what they are after somebody was at work on them."""
    await site.write(instances=24)
    await site.project()
    right = await site.rows()
    await site.connection.execute("UPDATE process_instances SET status = 'suspended'; DELETE FROM process_history")
    return right, await site.rows()


async def test_killed_half_way_it_is_resumed(site: ReplaySite) -> None:
    right, wrong = await damaged(site)
    await replay_until(site, "half way")
    assert await site.rows() == wrong
    report = await site.replay()
    assert report.resumed
    assert 0 < report.records < len(site.told) + OTHERS
    assert await site.rows() == right


async def test_restart_begins_anew(site: ReplaySite) -> None:
    right, _ = await damaged(site)
    await replay_until(site, "half way")
    report = await site.replay(restart=True)
    assert (report.resumed, report.records) == (False, len(site.told) + OTHERS)
    assert await site.rows() == right


async def test_other_code_begins_anew(site: ReplaySite, monkeypatch: pytest.MonkeyPatch) -> None:
    right, _ = await damaged(site)
    await replay_until(site, "half way")
    monkeypatch.setattr(shadow, "fingerprint_of", lambda *_: "another")
    report = await site.replay()
    assert (report.resumed, report.records) == (False, len(site.told) + OTHERS)
    assert await site.rows() == right


async def test_killed_before_the_commit_nothing_has_changed(site: ReplaySite) -> None:
    right, wrong = await damaged(site)
    await replay_until(site, "swapped")
    assert await site.rows() == wrong
    report = await site.replay()
    assert (report.resumed, report.records) == (True, 0)
    assert await site.rows() == right


async def test_killed_after_the_commit_the_new_tables_are_in_use(site: ReplaySite) -> None:
    right, _ = await damaged(site)
    await replay_until(site, "committed")
    assert await site.rows() == right
    assert await site.connection.fetchval(REPLACED_LEFT) == 1
    await site.write()
    await site.project()
    assert await site.history() == site.told
    assert not (await site.replay()).resumed
    assert await site.connection.fetchval(REPLACED_LEFT) == 0


async def test_the_live_tables_go_on_between_two_runs(site: ReplaySite) -> None:
    await damaged(site)
    await replay_until(site, "half way")
    await site.write()
    await site.project()
    assert (await site.replay()).resumed
    assert await site.history() == site.told


async def test_a_projection_that_went_back_is_told(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    await replay_until(site, "swapped")
    await site.connection.execute("UPDATE projection_positions SET position = position - 1 WHERE position > 0")
    with pytest.raises(ReplayError, match=r"they went back to \d+ since the replay began. Begin anew with --restart"):
        await site.replay()


async def test_stopped_while_it_holds_the_projector_it_loses_its_hold(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    process = start_replay(site, "held")
    try:
        async with asyncio.timeout(60):
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await site.write()
        async with asyncio.timeout(60):
            await site.project()
        assert await site.history() == site.told
    finally:
        process.kill()
        await process.wait()
    await site.replay()
    assert await site.history() == site.told


async def test_the_projector_waits_during_the_swap(site: ReplaySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could commit rows to tables that are about to be replaced."""
    await site.write()
    await site.project()
    swap_tables = swap.swap

    async def look_and_swap(connection: asyncpg.Connection, live: str) -> datetime:
        projector = await asyncpg.connect(site.settings.database_url, server_settings={"lock_timeout": "300"})
        try:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await projector.execute("UPDATE projection_positions SET position = position + 1")
            await projector.fetch("SELECT * FROM process_instances")  # readers need not wait yet
        finally:
            await projector.close()
        return await swap_tables(connection, live)

    monkeypatch.setattr(swap, "swap", look_and_swap)
    await site.replay()
    assert await site.history() == site.told


async def test_tables_at_other_positions_are_not_swapped(site: ReplaySite, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.write()
    await site.project()
    hold = swap.hold_projector

    async def go_on_and_hold(connection: asyncpg.Connection, live: str) -> None:
        monkeypatch.setattr(replay, "project_spans", AsyncMock())
        await site.write()
        await site.project()
        await hold(connection, live)

    monkeypatch.setattr(swap, "hold_projector", go_on_and_hold)
    with pytest.raises(ReplayError, match="Expected the new tables at the positions of the live ones"):
        await site.replay()
    assert await site.history() == site.told


async def trim(site: ReplaySite, topic: str, offset: int, partitions: int = 4) -> None:
    """Drop the records of each partition before ``offset``."""
    admin = AIOKafkaAdminClient(**client_options(site.settings))
    await admin.start()
    try:
        places = [AioTopicPartition(topic, number) for number in range(partitions)]
        await admin.delete_records({place: RecordsToDelete(before_offset=offset) for place in places})
    finally:
        await admin.close()


async def test_what_the_topics_have_dropped_of_telemetry_and_audit_is_kept(site: ReplaySite) -> None:
    await site.write(readings=40, broken=1)
    await site.audit(5)
    await site.project()
    before = await site.rows()
    await trim(site, site.telemetry, 7)
    await trim(site, site.topics.audit.name, 2, partitions=1)
    await site.connection.execute("DELETE FROM telemetry WHERE record_offset = 8")  # still in the topic
    report = await site.replay()
    assert await site.rows() == before
    assert report.kept_rows == 28 + 2
    assert (report.records, report.refused) == (len(site.told) + 2 + 13 + 3, 1)
    assert report.tables["telemetry"] == TableReport(rows=40, before=36)


async def test_telemetry_that_is_dropped_during_the_replay_is_kept(
    site: ReplaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retention overtakes the replay between its look at the beginnings and its reading."""
    await site.write(readings=40)
    await site.project()
    before = await site.rows()
    project_spans, calls = replay.project_spans, itertools.count()

    async def trim_then_project(*args: Any) -> None:
        if next(calls) == 0:
            await trim(site, site.telemetry, 9)
        await project_spans(*args)

    monkeypatch.setattr(replay, "project_spans", trim_then_project)
    report = await site.replay()
    assert await site.rows() == before
    assert report.kept_rows == 36


async def test_telemetry_of_a_topic_that_is_not_declared_any_more_is_kept(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    before = await site.rows()
    file = site.settings.topics_file
    file.write_text(file.read_text().replace(f"{site.telemetry}:", f"{site.telemetry}-new:"))
    site.topics = load_topics(site.settings)
    with pytest.raises(Exception, match="telemetry-new"):  # it is not on the broker
        await site.replay()
    site.topics.telemetry.clear()
    report = await site.replay()
    assert await site.rows() == before
    assert report.kept_rows == 40


async def test_an_undeclared_topic_of_anything_else_is_refused(site: ReplaySite) -> None:
    await site.connection.execute("INSERT INTO projection_positions VALUES ('former-events', 'id', 0, 7)")
    with pytest.raises(ReplayError, match=r"former-events is not, and no telemetry is of it.* Declare it again"):
        await site.replay()


async def test_events_that_are_gone_end_the_replay(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    before = await site.rows()
    await trim(site, site.topics.events.name, 5)
    with pytest.raises(RecordsLostError, match=r"process-events/\d from offset 0 on, but it begins at 5"):
        await site.replay()
    assert await site.rows() == before


async def test_a_topic_that_was_made_anew_ends_the_replay(site: ReplaySite) -> None:
    await site.write()
    await site.project()
    await site.connection.execute("UPDATE projection_positions SET topic_id = 'former'")
    with pytest.raises(TopicRecreatedError, match="it was deleted and created anew"):
        await site.replay()


async def test_a_reader_in_a_transaction_is_not_disturbed(site: ReplaySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader in the middle of its transaction is not disturbed: the swap waits, and the projector does not."""
    await site.write()
    await site.project()
    monkeypatch.setattr(replay, "SWAP_PAUSE_S", 0.1)
    reader = await asyncpg.connect(site.settings.database_url)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT * FROM process_instances LIMIT 1")
            replaying = asyncio.create_task(site.replay())
            async with asyncio.timeout(60):
                while [one.step for one in site.said].count("waiting for readers of the live tables") < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await site.write()
            await site.project()
            assert await reader.fetchval("SELECT count(*) FROM process_history") == len(site.told)
        report = await replaying
    finally:
        await reader.close()
    assert report.tables["process_history"].rows == len(site.told)
    assert await site.history() == site.told
