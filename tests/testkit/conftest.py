"""Writes files of tests, and runs them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streams.settings import Settings
from streams.topics import Topics, load_topics
from weir.testkit.read import Loaded, load
from weir.testkit.run import Outcome, run

DEFINITION = """\
id: pump
name: Pump
version: 1
triggers:
  - {type: redpanda, topic: heatpump-telemetry, condition: fields.temp > 30}
variables:
  - {name: device_id, source: tags.device_id, default: p0}
  - {name: temp, source: fields.temp, default: 0}
  - {name: number, value: 0}
activities:
  - {id: hot, type: decision, condition: temp > 40, true_path: order, false_path: rest}
  - id: order
    type: service
    action: mqtt_publish
    config: {topic: "orders/${device_id}", payload: {temp: "${temp}"}}
    retry: none
    output: {number: number}
    on_error: {broken: rest}
    next: end
  - {id: rest, type: timer, duration: 10m}
  - {id: ask, type: user_task, title: Better?, candidates: {users: [mia]}, outcomes: [yes, no]}
  - {id: end, type: end}
"""


@pytest.fixture(scope="session")
def topics() -> Topics:
    return load_topics(Settings(_env_file=None, partitions=4, app_id="testkit"))  # type: ignore[call-arg]


@pytest.fixture
def suite(tmp_path: Path, topics: Topics) -> Callable[[str], Loaded]:
    """Reads a text as ``pump.test.yaml``, beside the definition above."""

    def read(text: str, definition: str = DEFINITION) -> Loaded:
        (tmp_path / "pump.yaml").write_text(definition)
        (tmp_path / "fan.yaml").write_text(definition.replace("id: pump", "id: fan"))
        file = tmp_path / "pump.test.yaml"
        file.write_text(text)
        return load(file, topics)

    return read


@pytest.fixture
def outcomes(suite, topics: Topics) -> Callable[[str], list[Outcome]]:
    """Runs the tests in a text."""

    def ran(text: str) -> list[Outcome]:
        loaded = suite(text)
        assert loaded.problems == []
        return [run(loaded, number, topics) for number in range(len(loaded.cases))]

    return ran


@pytest.fixture
def failures(outcomes) -> Callable[[str], list[str]]:
    """Runs one test, given as the lines under its name; what failed, without the folder."""

    def of(text: str) -> list[str]:
        lines = "\n".join("    " + line for line in text.strip("\n").split("\n"))
        (outcome,) = outcomes(f"tests:\n  - name: it\n{lines}\n")
        return ["pump.test.yaml" + one.partition("pump.test.yaml")[2] for one in outcome.failures]

    return of
