"""The order in which files of tests run: what takes longest first, so that all processes of a run end together.

Measured with ``pytest --durations-to``.  Two that keep a machine busy by themselves (chaos, the benchmarks) do not
stand side by side; between them is what waits.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIRST = (
    "tests/chaos/test_chaos.py",
    "tests/transport/test_workers.py",
    "tests/replay/test_interrupted.py",
    "tests/transport/test_drain.py",
    "tests/agents/test_actions_live.py",
    "tests/agents/test_bridge_process.py",
    "tests/replay/test_position.py",
    "tests/benchmarks/test_smoke.py",
    "tests/demo/test_demo.py",
    "tests/transport/test_chaos.py",
    "tests/api/test_gateway.py",
    "tests/api/test_tasks.py",
    "tests/chaos/test_planted.py",
    "tests/verify/test_under_load.py",
    "tests/simulation/test_simulation.py",
    "tests/replay/test_state.py",
    "tests/scenarios/test_plant.py",
    "tests/cli/test_scale.py",
    "tests/projections/test_replay_interrupted.py",
    "tests/projections/test_equals_core.py",
    "tests/projections/test_replay.py",
    "tests/projections/test_crashes.py",
    "tests/cli/test_repository.py",
    "tests/verify/test_planted.py",
    "tests/security/test_plant.py",
    "tests/containers/test_running.py",
)
"""The others come in the order of their names."""


def in_order(items: list[pytest.Item]) -> None:
    """Sorts by file; within a file the tests stay as they are."""
    place = {ROOT / file: number for number, file in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
