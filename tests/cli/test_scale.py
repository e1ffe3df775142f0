"""Scaling a plant: workers that come, are killed and go, as `weir status` tells them."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Plant
from tests.conftest import PARTITIONS
from weir.plant import bring_up
from weir.role import MODULES
from weir.roles import role_spec, worker_specs
from weir.stack.progress import silent

DEADLINE_S = 90.0
NONE = dict.fromkeys(MODULES, 0)


@pytest.fixture(autouse=True)
def nobody(bare_plant: Plant) -> Iterator[None]:
    """No worker runs at the end."""
    yield
    bare_plant.stack.down()


def scale(plant: Plant, counts: Mapping[str, int]) -> None:
    plant.stack.supervise(worker_specs(plant.settings, plant.home, {**NONE, **counts}))


def processors(status: Any) -> dict[str | None, Any]:
    """The workers of the processor's stage, by name; ``None`` is elsewhere."""
    return {one["worker"]: one for one in status["workers"] if one["stage"] == "processor"}


def service(status: Any, name: str) -> Any:
    return next(one for one in status["services"] if one["name"] == name)


def eventually(plant: Plant, holds: Callable[[Any], bool]) -> Any:
    """What ``weir status`` tells once it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds(status := orjson.loads(plant.weir("status", "--json").stdout)):
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    return status


def share(plant: Plant, *names: str | None) -> Any:
    """Wait until these workers, and no others, have all partitions, each some."""
    return eventually(
        plant,
        lambda status: (
            processors(status).keys() == set(names)
            and all(one["partitions"] for one in processors(status).values())
            and sum(one["partitions"] for one in processors(status).values()) == PARTITIONS
        ),
    )


def test_partitions_follow_the_workers(bare_plant: Plant) -> None:
    scale(bare_plant, {"processor": 1})
    share(bare_plant, "processor")
    scale(bare_plant, {"processor": 3})
    share(bare_plant, "processor", "processor-2", "processor-3")
    table = bare_plant.weir("status").stdout
    assert "processor-3" in table
    assert "partitions" in table
    scale(bare_plant, {"processor": 1})
    status = share(bare_plant, "processor")
    assert service(status, "processor")["restarts"] == 0


def test_workers_beyond_the_partitions_stand_by(bare_plant: Plant) -> None:
    scale(bare_plant, {"processor": PARTITIONS + 1})
    status = eventually(
        bare_plant, lambda status: sum(one["partitions"] for one in processors(status).values()) == PARTITIONS
    )
    assert sorted(one["partitions"] for one in processors(status).values()) == [0] + [1] * PARTITIONS
    owner = next(name for name, one in processors(status).items() if one["partitions"])
    assert owner is not None
    bare_plant.stack.stop_process(owner)
    share(bare_plant, *(processors(status).keys() - {owner}))


def test_what_was_scaled_comes_up_again_as_it_was(bare_plant: Plant) -> None:
    bring_up(bare_plant.stack, bare_plant.settings, silent, workers={**NONE, "processor": 2})
    share(bare_plant, "processor", "processor-2")
    bare_plant.stack.down()
    bring_up(bare_plant.stack, bare_plant.settings, silent)
    status = share(bare_plant, "processor", "processor-2")
    assert {one["name"] for one in status["services"] if one["role"]} == {"processor", "processor-2"}


def test_a_killed_worker_is_back_as_the_same_member(bare_plant: Plant) -> None:
    scale(bare_plant, {"processor": 2})
    before = share(bare_plant, "processor", "processor-2")
    os.kill(service(before, "processor")["pid"], signal.SIGKILL)
    after = eventually(
        bare_plant,
        lambda status: (
            service(status, "processor")["restarts"] == 1 and service(status, "processor")["state"] == "running"
        ),
    )
    share(bare_plant, "processor", "processor-2")
    assert service(after, "processor")["pid"] != service(before, "processor")["pid"]
    assert service(after, "processor")["last_end"] == "SIGKILL"
    assert "SIGKILL" in bare_plant.weir("status").stdout


def test_a_worker_that_was_started_elsewhere_is_told(bare_plant: Plant) -> None:
    scale(bare_plant, {"processor": 1})
    other = replace(role_spec("processor", bare_plant.settings, bare_plant.home), name="by-hand", ready_file=None)
    bare_plant.stack.start_process(other)
    status = share(bare_plant, "processor", None)
    assert processors(status)[None]["host"] == "127.0.0.1"
    assert "elsewhere" in bare_plant.weir("status").stdout
