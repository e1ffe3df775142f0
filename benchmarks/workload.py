"""What workloads share: their options, and how they tell what they found."""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weir.stack.progress import Progress, silent

Emit = Callable[[dict[str, Any]], None]
"""Called with each thing measured: ``workload`` names it, the rest are its figures."""


def _nothing(_text: str) -> None:
    """For callers who show no text."""


@dataclass(frozen=True)
class Options:
    """The command line.  Times in seconds; ``flushes``: which of Kafka's durabilities to measure, flush per batch
    being ``True``.
    """

    seconds: float = 10.0
    warm_s: float = 30.0
    """Before anything is measured: Java compiles for about a minute what Kafka does again and again, and takes twice
    the CPU until then."""
    probe_s: float = 4.0
    open_s: float = 15.0
    outstanding: tuple[int, ...] = (100, 400, 1000, 3000)
    instances: int | None = None
    """Of W2, W3, replay and recovery; each has a default of its own."""
    times: int = 3
    """Of scale: how often each action."""
    actions: tuple[str, ...] = ("join", "leave", "rolling", "restarted", "takeover")
    """Of scale: what is done to the workers, in this order; those of ``benchmarks.scale.ACTIONS``."""
    finished: int = 0
    """Of recovery: instances that have ended, before."""
    faster: float = 1.0
    """Of recovery: compaction's times are shorter by this factor."""
    flushes: tuple[bool, ...] = (True,)
    partitions: int = 4
    profiled: tuple[str, ...] = ()
    services: Path | None = None
    step: Progress = field(default=silent)
    show: Callable[[str], None] = field(default=_nothing)
    """For people: a text of many lines."""


Workload = Callable[[Options, Emit], dict[str, Any]]
"""Measures, and returns the summary."""


async def warm_up(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do ``work`` again and again for so long."""
    until = time.time() + seconds
    while time.time() < until:
        await work()


def durability(flush: bool) -> str:
    """How the output names Kafka's durability."""
    return "flush" if flush else "default"


def milliseconds(seconds: float | None) -> float | None:
    """Rounded to what can be told."""
    return None if seconds is None else round(seconds * 1000, 2)


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which ``share`` of them are; ``None`` when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
