"""Scenarios of the energy optimization process."""

from tests.scenarios.conftest import MINUTE

TOPIC, NAME = "energy-telemetry", "energy-optimization"
CONSUMERS = [{"id": "pump", "power_w": 8000}, {"id": "lamp", "power_w": 100}, {"id": "oven", "power_w": 4000}]


def _draws(plant, power_w):
    fields = {"power_w": power_w, "consumers": CONSUMERS}
    plant.read(TOPIC, {"tags": {"site_id": "s1"}, "fields": fields})


def _high_for_two_minutes(plant):
    for _ in range(5):
        _draws(plant, 12_500)
        plant.pass_time(MINUTE // 2)
    _draws(plant, 12_500)


def test_a_short_peak_starts_nothing(site):
    plant = site(NAME)
    _draws(plant, 12_500)
    plant.pass_time(MINUTE)
    _draws(plant, 5_000)
    plant.pass_time(10 * MINUTE)
    assert plant.path("s1") == []


def test_successful_optimization(site):
    plant = site(NAME)
    _high_for_two_minutes(plant)
    assert [one["topic"] for one in plant.sent("turn_down")] == ["home/energy/pump/control", "home/energy/oven/control"]
    _draws(plant, 9_000)
    plant.pass_time(15 * MINUTE)
    assert plant.told() == ["s1: from 12500 W to 9000 W in 1 cycles"]


def test_several_cycles(site):
    plant = site(NAME)
    _high_for_two_minutes(plant)
    plant.pass_time(15 * MINUTE)
    _draws(plant, 9_900)
    plant.pass_time(15 * MINUTE)
    assert [one["payload"]["reduce_by"] for one in plant.sent("turn_down")] == [0.1, 0.1, 0.2, 0.2]
    assert plant.told()[-1] == "s1: from 12500 W to 9900 W in 2 cycles"


def test_optimization_fails_and_somebody_must_look(site):
    plant = site(NAME)
    _high_for_two_minutes(plant)
    plant.pass_time(50 * MINUTE)
    assert plant.told()[-1] == "s1 still draws 12500 W: somebody must look at it"
    assert plant.statuses(NAME) == ["completed"]
