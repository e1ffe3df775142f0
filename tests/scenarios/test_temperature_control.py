"""Scenarios of the temperature control process."""

from tests.scenarios.conftest import MINUTE

TOPIC = "heatpump-telemetry"


def _read(plant, device, celsius):
    plant.read(TOPIC, {"tags": {"device_id": device}, "fields": {"flow_temp_c": celsius}})


def test_normal_operation_starts_nothing(site):
    plant = site("temperature-control")
    _read(plant, "pump-1", 24.0)
    assert plant.events == []


def test_threshold_exceeded_switches_the_cooling_on(site):
    plant = site("temperature-control")
    _read(plant, "pump-1", 31.0)
    assert plant.sent("activate_cooling")[0]["payload"] == {"device_id": "pump-1", "command": "activate_cooling"}
    _read(plant, "pump-1", 23.0)
    plant.pass_time(5 * MINUTE)
    assert plant.told() == ["Cooling successful"]
    assert plant.statuses("temperature-control") == ["completed"]


def test_cooling_fails_and_somebody_is_told(site):
    plant = site("temperature-control")
    _read(plant, "pump-1", 31.0)
    plant.pass_time(5 * MINUTE)
    assert plant.path("pump-1")[-1] == "escalate"
    assert plant.told() == ["Temperature still high after cooling"]


def test_rooms_are_cooled_at_the_same_time_and_each_once(site):
    plant = site("temperature-control")
    for device in ("pump-1", "pump-2", "pump-1"):
        _read(plant, device, 31.0)
    assert [one["payload"]["device_id"] for one in plant.sent("activate_cooling")] == ["pump-1", "pump-2"]
    assert [one["reason"] for one in plant.rejections] == ["already_running"]
    _read(plant, "pump-2", 20.0)
    plant.pass_time(5 * MINUTE)
    assert plant.statuses("temperature-control") == ["completed", "completed"]
    assert sorted(plant.told()) == ["Cooling successful", "Temperature still high after cooling"]
