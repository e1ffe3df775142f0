"""What was removed for its age is not missed; everything else is."""

from datetime import datetime, timedelta

from projections.replay import replay_projections
from projections.retention import Kind, remove_expired
from streams.core.durations import instant
from tests.verify.site import VerifySite

YEAR = timedelta(days=365)


async def rows_of(site: VerifySite) -> list[str]:
    """Of the history and the instances."""
    union = "SELECT h::text FROM process_history AS h UNION ALL SELECT i::text FROM process_instances AS i ORDER BY 1"
    return [row[0] for row in await site.database.fetch(union)]


async def test_removed_instances_are_not_missed(site: VerifySite) -> None:
    await remove_expired(site.database, {"history": instant(site.now_ms) + YEAR})
    left = await site.database.fetch("SELECT business_key FROM process_instances ORDER BY 1")
    assert [row[0] for row in left] == ["action", "message", "rested", "timer"]
    report = await site.verify()
    assert (report.differences, report.instances, report.expired) == ([], 7, 3)
    alone = await site.verify(site.ids["completed"])
    assert (alone.ok, alone.instances, alone.expired) == (True, 1, 1)


async def test_others_are_missed_as_ever(site: VerifySite) -> None:
    await remove_expired(site.database, {"history": instant(site.now_ms) + YEAR})
    await site.database.execute("DELETE FROM process_history WHERE instance_id = $1 AND seq = 2", site.ids["timer"])
    await site.database.execute("DELETE FROM process_instances WHERE id = $1", site.ids["message"])
    found = {(one.subject, one.kind) for one in await site.differences()}
    assert found == {(site.ids["timer"], "history-missing"), (site.ids["message"], "instance-missing")}


async def test_what_ended_after_the_mark_is_missed(site: VerifySite) -> None:
    await remove_expired(site.database, {"history": instant(site.now_ms) + YEAR})
    await site.database.execute("UPDATE retention SET removed_before = $1", instant(site.now_ms) - YEAR)
    assert {one.subject for one in await site.differences()} == {
        site.ids[name] for name in ("completed", "failed", "cancelled")
    }


async def test_a_replay_brings_back_what_the_next_pass_removes_again(site: VerifySite) -> None:
    limits: dict[Kind, datetime] = {"history": instant(site.now_ms) + YEAR}
    await remove_expired(site.database, limits)
    left = await rows_of(site)
    await replay_projections(site.settings, site.topics, lambda _: None)
    assert len(await rows_of(site)) > len(left)
    assert (await site.verify()).differences == []
    await remove_expired(site.database, limits)
    assert await rows_of(site) == left
    assert (await site.verify()).differences == []
