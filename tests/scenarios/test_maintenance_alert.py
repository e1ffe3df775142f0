"""Scenarios of the maintenance alert process."""

from tests.scenarios.conftest import HOUR

TOPIC = "device-events"
NAME = "maintenance-alert"


def _alarm(plant, device="d1", level=3, **fields):
    event = {"event": "alarm", "code": "pressure", "level": level, "status": "error", **fields}
    plant.read(TOPIC, {"tags": {"device_id": device}, "fields": event})


def test_a_critical_alert_is_acted_on_at_once(site):
    plant = site(NAME)
    _alarm(plant)
    assert plant.told() == ["Critical: pressure at d1"]
    plant.answer("resolve", "tom", cause="a valve")
    plant.answer("verify_fix", "sue", "not_repaired")
    plant.answer("resolve", "tom", cause="another valve")
    plant.answer("verify_fix", "sue", "repaired")
    assert plant.told()[0] == "pressure at d1 is closed"
    assert plant.statuses(NAME) == ["completed"]


def test_a_critical_alert_that_nobody_takes_is_escalated(site):
    plant = site(NAME)
    _alarm(plant)
    plant.pass_time(3 * HOUR)
    assert {"task_escalated", "task_reminded"} <= {one.type for one in plant.events}


def test_a_warning_resolves_by_itself(site):
    plant = site(NAME)
    _alarm(plant, level=2)
    plant.pass_time(HOUR // 2)
    plant.read(TOPIC, {"tags": {"device_id": "d1"}, "fields": {"event": "report", "status": "ok"}})
    plant.pass_time(HOUR)
    assert plant.told() == ["Warning: pressure at d1", "pressure at d1 is closed"]


def test_a_warning_that_stays_becomes_critical(site):
    plant = site(NAME)
    _alarm(plant, level=1, code="leak")
    plant.pass_time(2 * HOUR)
    assert plant.told()[-1] == "Critical: leak at d1"
    assert plant.path("d1")[-1] == "resolve"


def test_a_note_is_only_logged(site):
    plant = site(NAME)
    _alarm(plant, level=1)
    assert plant.told() == ["Note: pressure at d1"]


def test_alerts_of_one_device_come_one_after_the_other(site):
    plant = site(NAME)
    _alarm(plant, code="pressure")
    _alarm(plant, code="overheat")
    assert plant.told() == ["Critical: pressure at d1"]
    plant.answer("resolve", "tom", cause="a valve")
    plant.answer("verify_fix", "sue", "repaired")
    assert plant.told() == ["pressure at d1 is closed", "Critical: pressure at d1", "Critical: overheat at d1"]


def test_alerts_of_several_devices_do_not_wait_for_each_other(site):
    plant = site(NAME)
    _alarm(plant)
    _alarm(plant, device="d2")
    assert plant.told() == ["Critical: pressure at d1", "Critical: pressure at d2"]
