"""The process under a virtual clock does with real telemetry exactly what the oracle computes from the values alone."""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from streams.core.clock import PlantClock
from streams.core.durations import instant_ms, parse_instant_ms
from tests.demo.virtual_plant import VirtualPlant
from weir.demo.machines import Schedule
from weir.demo.oracle import Episode, episodes, expect
from weir.demo.plant import accelerated_clock, write_definition
from weir.demo.series import Series, failure_windows

THRESHOLD = 90.0
TICK_S = 0.1
NOW_S = 1_763_690_400.0


class Run:
    """Machines played through a plant whose parts take the given milliseconds."""

    def __init__(self, folder: Path, machines: list[Series], router_ms: int, action_ms: int, timer_ms: int) -> None:
        interval = machines[0].interval
        clock = PlantClock.parse(accelerated_clock(interval, TICK_S, len(machines[0].readings), NOW_S))
        self.machines = {series.device_id: series for series in machines}
        self.interval_ms = interval // timedelta(milliseconds=1)
        self.router_ms = round(router_ms * clock.factor)
        definition = write_definition(folder / "temperature-control.yaml", THRESHOLD, clock.factor)
        self.plant = VirtualPlant(definition, clock, router_ms, action_ms, timer_ms)
        self.schedule = Schedule(clock, TICK_S, NOW_S * 1000)
        self.plant.play(machines, self.schedule)

    def index(self, plant_ms: int) -> int:
        """Which reading was the latest at that plant time."""
        return (plant_ms - parse_instant_ms(self.schedule.device_time(0))) // self.interval_ms

    def episodes(self) -> dict[str, list[Episode]]:
        """What the log of events says, by machine, each in the order of the rechecks."""
        began: dict[str, tuple[str, int]] = {}
        temperature: dict[str, float] = {}
        found: dict[str, list[Episode]] = defaultdict(list)
        for event in self.plant.events:
            if event.type == "started":
                reading_ms = parse_instant_ms(event.data["trigger"]["timestamp"])
                began[event.subject] = event.data["key"], self.index(reading_ms)
                temperature[event.subject] = event.data["variables"]["temperature"]
            elif event.type == "variable_changed":
                temperature[event.subject] = event.data["value"]
            elif event.type == "decision_evaluated" and event.activity_id == "recheck_temp":
                device_id, first = began[event.subject]
                values = self.machines[device_id].values
                seen = min(self.index(instant_ms(event.time) - self.router_ms), len(values) - 1)
                assert temperature[event.subject] == values[seen]
                found[device_id].append(Episode(first, seen, event.data["result"]))
        return found


@pytest.mark.parametrize(("router_ms", "action_ms", "timer_ms"), [(1, 1, 0), (15, 25, 5), (60, 45, 3)])
def test_the_four_failure_windows(tmp_path, router_ms, action_ms, timer_ms):
    machines = failure_windows()
    run = Run(tmp_path, machines, router_ms, action_ms, timer_ms)

    expected = {series.device_id: episodes(series.values, THRESHOLD) for series in machines}
    assert run.episodes() == {device_id: found for device_id, found in expected.items() if found}

    oracle = expect([series.values for series in machines], THRESHOLD)
    ends = [event for event in run.plant.events if event.type in {"completed", "failed", "cancelled"}]
    assert [event.type for event in ends] == ["completed"] * oracle.started
    sent = run.plant.sent
    assert sum(config.get("payload", {}).get("command") == "activate_cooling" for config in sent) == oracle.started
    assert sum(config.get("channel") == "alert" for config in sent) == oracle.escalated


def test_a_plant_that_takes_longer_than_a_tick_differs(tmp_path):
    machines = failure_windows()
    run = Run(tmp_path, machines, router_ms=15, action_ms=120, timer_ms=5)
    assert sum(map(len, run.episodes().values())) < expect([series.values for series in machines], THRESHOLD).started
