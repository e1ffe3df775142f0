"""What the demo says at its end: measured counts beside the oracle's, the checks, the JSON object.

Live counts are compared within 5 %: on the accelerated clock 100 ms of delay anywhere on the machine are five minutes
of plant time, so a hiccup may make an instance see the reading after the one it should have seen.  That shifts
instances between "cooled" and "escalated", which together are the instances; the tolerance of both is 5 % of those.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import Any

from weir.demo.follow import Tally
from weir.demo.machines import Commanded, Published
from weir.demo.oracle import Expectation
from weir.demo.results import Counts, Start

TOLERANCE = 0.05


@dataclass(frozen=True)
class Check:
    """One line of the table.  ``expected`` is ``None`` where there is nothing to compare with."""

    what: str
    measured: int | str
    expected: int | None
    ok: bool
    expectation: str = ""


@dataclass(frozen=True)
class Latency:
    """From a reading's publication to the command that it led to, in milliseconds; ``None`` without commands."""

    p50: float | None
    max: float | None


@dataclass(frozen=True)
class Report:
    """The whole result; ``seconds`` is the run from the first command of the stack to the last check."""

    counts: Counts
    commands: int
    latency: Latency
    checks: list[Check]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every check is met."""
        return all(check.ok for check in self.checks)

    def document(self) -> dict[str, Any]:
        """The object of ``--json``."""
        return {
            "readings": self.counts.readings,
            "instances_started": self.counts.started,
            "instances_completed": self.counts.completed,
            "cooling_commands": self.commands,
            "escalations": self.counts.escalated,
            "history_rows": self.counts.history_rows,
            "seconds": round(self.seconds, 1),
            "reading_to_command_ms": asdict(self.latency),
            "verify": {"ok": self.ok, "instances": self.counts.started, "events": self.counts.history_rows},
        }


def make_report(
    counts: Counts,
    oracle: Expectation,
    silent: dict[str, int],
    published: Published,
    commanded: Sequence[Commanded],
    starts: Sequence[Start],
    tally: Tally,
    seconds: float,
) -> Report:
    """Compare everything.  ``silent`` has the instances of each machine that must start none."""
    checks = [
        exactly("readings in", counts.readings, oracle.readings),
        about("instances started", counts.started, oracle.started, oracle.started),
        about("cooled", counts.cooled, oracle.cooled, oracle.started),
        about("escalated", counts.escalated, oracle.escalated, oracle.started),
        about("commands received on MQTT", len(commanded), oracle.started, oracle.started),
        exactly("history rows", counts.history_rows, tally.events, "events in the log"),
        exactly("instances completed", counts.completed, counts.started, "started"),
        exactly("commands sent and received", len(commanded), counts.started, "started"),
        exactly("instances whose events have gaps", counts.with_gaps, 0),
        exactly("instances out of step with their history", counts.out_of_step, 0),
        *(exactly(f"instances of {device_id}, never hot", number, 0) for device_id, number in silent.items()),
    ]
    return Report(counts, len(commanded), latency(published, commanded, starts), checks, seconds)


def exactly(what: str, measured: int, expected: int, expectation: str = "") -> Check:
    """A count that has one right value."""
    return Check(what, measured, expected, measured == expected, expectation)


def about(what: str, measured: int, expected: int, of: int) -> Check:
    """A count that may be off by 5 % of ``of``, rounded up."""
    return Check(what, measured, expected, abs(measured - expected) <= ceil(TOLERANCE * of))


def latency(published: Published, commanded: Sequence[Commanded], starts: Sequence[Start]) -> Latency:
    """Pair each machine's commands with its instances, in order, and those with the readings that started them."""
    by_machine: dict[str, list[float]] = defaultdict(list)
    for command in commanded:
        by_machine[command.device_id].append(command.at_ms)
    arrivals = {device_id: iter(times) for device_id, times in by_machine.items()}
    took = []
    for start in starts:
        arrived = next(arrivals.get(start.device_id, iter(())), None)
        if arrived is not None:
            took.append(arrived - published[start.device_id, start.reading])
    return Latency(round(median(took), 1), round(max(took), 1)) if took else Latency(None, None)
