"""CPU time and memory of each process of a run, children included."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

LOAD = "load"
"""The process that measures is the load generator."""


@dataclass(frozen=True)
class Used:
    """What was used between two readings."""

    seconds: float
    cpu_s: dict[str, float]
    foreign_cores: float
    """CPU that processes outside the run used meanwhile, in cores: above about 0.1, mistrust wall times."""

    def us_per(self, count: int) -> dict[str, float]:
        """Microseconds of CPU for each of ``count`` things, by process."""
        return {name: round(seconds / max(1, count) * 1e6, 1) for name, seconds in self.cpu_s.items()}

    def document(self, count: int, thing: str = "instance") -> dict[str, Any]:
        """What each of ``count`` things cost, as a part of a line of the output."""
        by_process = self.us_per(count)
        return {
            f"cpu_us_per_{thing}": by_process,
            "cpu_us_total": round(sum(by_process.values()), 1),
            "foreign_cores": self.foreign_cores,
        }


@dataclass
class Meter:
    """Reads the processes ``pids``, by name; the process itself is added as ``load``."""

    pids: Mapping[str, int]
    _own: dict[str, psutil.Process] = field(init=False)

    def __post_init__(self) -> None:
        self._own = {name: psutil.Process(pid) for name, pid in {**self.pids, LOAD: os.getpid()}.items()}

    def read(self) -> "Reading":
        """The totals now."""
        return Reading(self, time.monotonic(), self._cpu(), _busy())

    def rss_mb(self) -> dict[str, float]:
        """Memory by process; pages that the processes of a server share count once."""
        return {name: round(sum(map(_memory, _tree(name, one))) / 1e6, 1) for name, one in self._own.items()}

    def rss_bytes(self, name: str) -> int:
        """Resident memory of one process."""
        return int(self._own[name].memory_info().rss)

    def _cpu(self) -> dict[str, float]:
        return {name: sum(map(_cpu_s, _tree(name, one))) for name, one in self._own.items()}


@dataclass(frozen=True)
class Reading:
    """Totals at one time."""

    meter: Meter
    at: float
    cpu_s: dict[str, float]
    busy_s: float

    def until_now(self) -> Used:
        """What was used since."""
        now = self.meter.read()
        cpu = {name: seconds - self.cpu_s[name] for name, seconds in now.cpu_s.items()}
        seconds = now.at - self.at
        foreign = (now.busy_s - self.busy_s - sum(cpu.values())) / max(seconds, 1e-6)
        return Used(seconds, cpu, round(max(0.0, foreign), 2))


def _tree(name: str, process: psutil.Process) -> list[psutil.Process]:
    """A process and its children; the load generator's are the run's other processes."""
    return [process] if name == LOAD else [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    """CPU seconds; those of children count once they have ended and were waited for."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    ended = 0.0 if process.pid == os.getpid() else times.children_user + times.children_system
    return float(times.user + times.system + ended)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
