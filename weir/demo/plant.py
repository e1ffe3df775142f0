"""The demo's own plant: a stack, topics, a clock and a definition under a home of its own, new at each run.

Nothing of the user's is touched: other ports, another directory, no setting from the environment.
"""

import os
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from streams.core.clock import PlantClock
from streams.core.durations import instant_text
from streams.settings import Settings
from weir.demo.machines import TELEMETRY
from weir.home import PROJECT, forget_settings
from weir.plant import EMBEDDED_PARTITIONS, bring_up
from weir.stack.ports import free_ports
from weir.stack.progress import Progress
from weir.stack.stack import Stack

APP_ID = "weir-demo"
TOPIC = "heatpump-telemetry"
DEFINITION = PROJECT / "definitions" / "temperature-control.yaml"
TOPICS = PROJECT / "redpanda" / "topics.yaml"
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_767
START_S = 60
"""What the plant's own start may take; the clock begins so much earlier that the series ends about now."""
MAX_AGE_S = 60
"""Wall time after which a reading starts nothing any more."""


@dataclass(frozen=True)
class DemoPlant:
    """The plant that runs, and the file with its definition."""

    stack: Stack
    settings: Settings
    definition: Path


def fresh_stack(home: Path) -> Stack:
    """A stack on free ports in an empty ``home``; what ran there is stopped.

    It need not survive a power cut: the next run throws it away.
    """
    if home.exists():
        Stack(home).down()
        database = home / "postgres"
        if database.is_symlink():  # under root it lies where the server's account can reach it
            shutil.rmtree(database.resolve())
        shutil.rmtree(home)
    home.mkdir(parents=True)
    return Stack(home, free_ports(LOWEST_PORT, HIGHEST_PORT), durable=False)


def start(
    stack: Stack, threshold: float, interval: timedelta, tick_s: float, longest: int, step: Progress
) -> DemoPlant:
    """Bring everything up, on a clock that shows ``interval`` of plant time in ``tick_s`` seconds.

    ``longest`` is the number of readings of the longest series.
    """
    forget_settings(os.environ)  # the roles inherit it
    clock = accelerated_clock(interval, tick_s, longest, time.time())
    wanted = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        app_id=APP_ID,
        partitions=EMBEDDED_PARTITIONS,
        topics_file=write_topics(stack.home / "topics.yaml"),
        definitions_path=stack.home / "definitions",
        clock=clock,
    )
    factor = PlantClock.parse(clock).factor
    definition = write_definition(wanted.definitions_path / DEFINITION.name, threshold, factor)
    plant = bring_up(stack, wanted, step)
    return DemoPlant(stack, plant.settings, definition)


def accelerated_clock(interval: timedelta, tick_s: float, longest: int, now_s: float) -> str:
    """The text of a clock under which ``longest`` readings, ``interval`` apart, end about ``now_s`` (Unix s)."""
    factor = interval.total_seconds() / tick_s
    begin_s = now_s - longest * interval.total_seconds() - START_S * factor
    return f"{instant_text(round(begin_s * 1000))}@{instant_text(round(now_s * 1000))}x{factor:g}"


def write_topics(path: Path) -> Path:
    """The project's topics, but only the demo's telemetry."""
    yaml = YAML()
    topics: dict[str, Any] = yaml.load(TOPICS)
    topics["partitions"] = EMBEDDED_PARTITIONS
    topics["telemetry"] = {TOPIC: {"partitions": EMBEDDED_PARTITIONS, "mqtt": TELEMETRY.format(device_id="+")}}
    yaml.dump(topics, path)
    return path


def write_definition(path: Path, threshold: float, factor: float) -> Path:
    """The project's temperature-control with the demo's threshold, and a ``max_age`` that fits the accelerated clock.

    The default of ten minutes of plant time is 200 ms of wall time in the demo: less than a moment in which the machine
    has something else to do.
    """
    yaml = YAML()
    definition: dict[str, Any] = yaml.load(DEFINITION)
    trigger = definition["trigger"]
    field, operator, _ = trigger["condition"].split()
    trigger["condition"] = f"{field} {operator} {threshold}"
    trigger["max_age"] = f"{round(MAX_AGE_S * factor)}s"
    (variable,) = [one for one in definition["variables"] if one["name"] == "threshold"]
    variable["value"] = threshold
    path.parent.mkdir(parents=True, exist_ok=True)
    yaml.dump(definition, path)
    return path
