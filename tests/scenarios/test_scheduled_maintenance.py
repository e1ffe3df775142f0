"""Scenarios of the scheduled maintenance process."""

from tests.scenarios.conftest import DAY, HOUR

NAME = "scheduled-maintenance"
HEALTHY = {"output": {"rows": [{"device_id": "d1", "status": "ok"}, {"device_id": "d2", "status": "ok"}]}}
ISSUES = {"output": {"rows": [{"device_id": "d1", "status": "ok"}, {"device_id": "d2", "status": "error"}]}}


def test_a_routine_check_without_issues(site):
    plant = site(NAME, check_device_status=[HEALTHY])  # 04:00 UTC on a Monday; 06:00 in Berlin is 05:00 UTC
    plant.pass_time(HOUR // 2)
    assert plant.path(NAME) == []
    plant.pass_time(HOUR)
    assert plant.told() == ["All 2 devices are healthy"]
    plant.pass_time(7 * DAY)
    assert plant.statuses(NAME) == ["completed", "completed"]


def test_issues_become_tasks_and_their_completion_is_verified(site):
    plant = site(NAME, check_device_status=[ISSUES])
    plant.pass_time(2 * HOUR)
    created = [one for one in plant.events if one.type == "task_created"]
    assert [one.data["title"] for one in created] == ["Maintain d2"]
    plant.answer("maintain", "tom", "replaced")
    (instance,) = {one.subject for one in created}
    assert plant.told() == ["Maintenance: 1 of 2 devices, 1 dealt with"]
    results = [
        one.data["value"] for one in plant.events if one.data.get("name") == "results" and one.subject == instance
    ]
    assert results == [["replaced"]]


def test_maintenance_that_nobody_does_is_overdue(site):
    plant = site(NAME, check_device_status=[ISSUES])
    plant.pass_time(2 * HOUR)
    plant.pass_time(14 * DAY)
    assert [one.data["value"] for one in plant.events if one.data.get("name") == "results"] == [["overdue"]]
