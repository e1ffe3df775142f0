"""The fixtures for tests in Python."""

from pathlib import Path

from weir.testkit.observed import observe

pytest_plugins = ["weir.testkit.fixtures"]
PUMP = Path(__file__).parents[2] / "definitions" / "temperature-control.yaml"


def test_a_plant_with_definitions_and_stubs(weir_plant):
    plant = weir_plant(PUMP, stubs={"activate_cooling": [{"error": "jammed", "message": "no water"}]})
    plant.read("heatpump-telemetry", {"tags": {"device_id": "p1"}, "fields": {"flow_temp_c": 31.0}})
    (instance,) = observe(plant)
    assert (instance.process, instance.key, instance.status) == ("temperature-control", "p1", "failed")
    assert instance.path == ["check_temp", "activate_cooling"]
    assert instance.variables["temperature"] == 31.0
    assert "no water" in instance.messages[-1]


def test_what_an_instance_had_when_it_ended(weir_plant):
    plant = weir_plant(PUMP, begins="2026-03-02T04:00:00Z")
    plant.start("temperature-control", "p1", device_id="p1", temperature=31)
    plant.read("heatpump-telemetry", {"tags": {"device_id": "p1"}, "fields": {"flow_temp_c": 20}})
    plant.pass_time(5 * 60_000)
    (instance,) = observe(plant)
    assert instance.status == "completed"
    assert instance.variables["temperature"] == 20
    assert instance.messages[-1] == "Cooling successful"
