"""A plant where nothing is wrong."""

from tests.verify.site import VerifySite


async def test_nothing_is_equal_to_nothing(empty_site: VerifySite) -> None:
    report = await empty_site.verify()
    assert (report.ok, report.instances, report.events, report.partitions) == (True, 0, 0, 4)


async def test_a_plant_with_instances_in_every_state(site: VerifySite) -> None:
    report = await site.verify()
    assert report.differences == []
    statuses = await site.database.fetch("SELECT business_key, status FROM process_instances")
    assert dict(statuses) == {
        "action": "running",
        "message": "running",
        "completed": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
        "timer": "running",
        "rested": "running",
    }
