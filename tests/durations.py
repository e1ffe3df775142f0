"""How long each file of tests takes, and how much it computes: ``pytest --durations-to FILE``.

A JSON line a file, the dearest first: the seconds of each of pytest's phases (setting up services, roles and fixtures;
the call; tearing down), and ``cpu``, the CPU seconds of the tests' process and of all that it has started meanwhile,
services and roles too.  ``total - cpu`` is about what the file waits.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

OPTION = "--durations-to"
PHASES = ("setup", "call", "teardown")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, metavar="FILE", help="Write how many seconds each file took, by phase, as JSON lines")


def pytest_configure(config: pytest.Config) -> None:
    if to := config.getoption(OPTION):
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(Sums(Path(to)))
        config.pluginmanager.register(Meter())


class Meter:
    """In the process that runs the tests: the last report of a file carries what was computed during it."""

    def __init__(self) -> None:
        self._spent = cpu_seconds()
        self._last_of_file = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        self._last_of_file = nextitem is None or nextitem.path != item.path

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[Any]) -> Iterator[None]:
        report: Any = yield
        if self._last_of_file and call.when == "teardown":
            now = cpu_seconds()
            report.cpu_s, self._spent = now - self._spent, now
        return report  # type: ignore[return-value]  # what a wrapper returns is the hook's result


class Sums:
    """Of the reports of all processes."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._files: defaultdict[str, dict[str, float]] = defaultdict(
            lambda: dict.fromkeys(("total", *PHASES, "cpu", "tests"), 0.0)
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = self._files[report.nodeid.split("::")[0]]
        file["total"] += report.duration
        file[report.when or "call"] += report.duration
        file["cpu"] += getattr(report, "cpu_s", 0.0)
        file["tests"] += report.when == "call"

    def pytest_sessionfinish(self) -> None:
        dearest = sorted(self._files.items(), key=lambda one: -one[1]["total"])
        lines = [{"file": name, **{key: round(sums[key], 1) for key in sums}} for name, sums in dearest]
        self._to.write_text("".join(json.dumps(line) + "\n" for line in lines))


def cpu_seconds() -> float:
    """Of this process, of what runs below it, and of what has run there and was waited for."""
    own = psutil.Process()
    spent = 0.0
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent
