"""What the demo says at its end: measured counts beside the oracle's, the checks, the JSON object.

Live counts are compared within 5 %: on the accelerated clock 100 ms of delay anywhere on the machine are five minutes
of plant time, so a hiccup may make an instance see the reading after the one it should have seen.  That shifts
instances between "cooled" and "escalated", which together are the instances; the tolerance of both is 5 % of those.

With a shorter tick than 100 ms readings come faster than any answer can, and an instance misses some; so it does where
the computer is too slow for the tick, or was for a while.  How many depends on how long the plant takes to respond, so
the counts are then held between the oracle's for a plant that responds at once and its for one that always takes as
long as the slowest instance of this run did.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import Any

from weir.demo.follow import Tally
from weir.demo.machines import Commanded, Published
from weir.demo.oracle import AT_ONCE, TIMER
from weir.demo.plan import Plan
from weir.demo.results import Counts, Start
from weir.demo.series import Series
from weir.verify.report import Report as Verified

TOLERANCE = 0.05
SHORTEST_EXACT_TICK_S = 0.1


@dataclass(frozen=True)
class Check:
    """One line of the table; ``expected`` is in words."""

    what: str
    measured: int
    expected: str
    ok: bool


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
    verified: Verified
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
            "verify": {
                "ok": self.verified.ok,
                "instances": self.verified.instances,
                "events": self.verified.events,
            },
        }


@dataclass(frozen=True)
class Seen:
    """What happened, from three sides: the database, the log of events, and the machines themselves; and what
    ``weir verify`` said of the first two and the processor's table.
    """

    counts: Counts
    starts: Sequence[Start]
    tally: Tally
    published: Published
    commanded: Sequence[Commanded]
    verified: Verified


def make_report(plan: Plan, seen: Seen, seconds: float) -> Report:
    """Compare everything with the oracle, and the sides with each other."""
    counts, commands = seen.counts, len(seen.commanded)
    checks = [
        exactly("readings in", counts.readings, plan.readings),
        *(_against_oracle(plan, seen) if _kept_up(plan, seen) else _within_bounds(plan, seen)),
        exactly("history rows", counts.history_rows, seen.tally.events, "events in the log"),
        exactly("instances completed", counts.completed, counts.started, "started"),
        exactly("commands sent and received", commands, counts.started, "started"),
        exactly("instances whose events have gaps", counts.with_gaps, 0),
        exactly("instances out of step with their history", counts.out_of_step, 0),
        exactly("differences of log, table and database", len(seen.verified.differences), 0, _first(seen.verified)),
        *(
            exactly(f"instances of {series.device_id}, never hot", _instances_of(series, seen), 0)
            for series in plan.machines
            if max(series.values) <= plan.threshold
        ),
    ]
    took = latency(seen.published, seen.commanded, seen.starts)
    return Report(counts, commands, took, checks, seen.verified, seconds)


def _first(verified: Verified) -> str:
    """The first difference, in words."""
    if verified.ok:
        return ""
    first = verified.differences[0]
    return f"({first.subject}, seq {first.seq}: {first.message})"


def _kept_up(plan: Plan, seen: Seen) -> bool:
    """Whether hardly an instance missed the reading after the one that its timer saw."""
    late = sum(start.took is not None and start.took - TIMER >= plan.interval for start in seen.starts)
    return plan.tick_s >= SHORTEST_EXACT_TICK_S and late <= TOLERANCE * len(seen.starts)


def _against_oracle(plan: Plan, seen: Seen) -> list[Check]:
    oracle, counts = plan.expect(), seen.counts
    return [
        about("instances started", counts.started, oracle.started, oracle.started),
        about("cooled", counts.cooled, oracle.cooled, oracle.started),
        about("escalated", counts.escalated, oracle.escalated, oracle.started),
        about("commands received on MQTT", len(seen.commanded), oracle.started, oracle.started),
    ]


def _within_bounds(plan: Plan, seen: Seen) -> list[Check]:
    slowest = max((start.took - TIMER for start in seen.starts if start.took is not None), default=AT_ONCE)
    most, least = plan.expect().started, plan.expect(slowest).started
    return [
        between("instances started", seen.counts.started, least, most),
        between("commands received on MQTT", len(seen.commanded), least, most),
        exactly("cooled or escalated", seen.counts.cooled + seen.counts.escalated, seen.counts.started, "started"),
    ]


def _instances_of(series: Series, seen: Seen) -> int:
    return sum(start.device_id == series.device_id for start in seen.starts)


def exactly(what: str, measured: int, expected: int, expectation: str = "") -> Check:
    """A count that has one right value; ``expectation`` says what that is the number of."""
    return Check(what, measured, f"{expected} {expectation}".strip(), measured == expected)


def about(what: str, measured: int, expected: int, of: int) -> Check:
    """A count that may be off by 5 % of ``of``, rounded up."""
    return Check(what, measured, str(expected), abs(measured - expected) <= ceil(TOLERANCE * of))


def between(what: str, measured: int, least: int, most: int) -> Check:
    """A count that may be 5 % of ``most`` outside its bounds, rounded up."""
    margin = ceil(TOLERANCE * most)
    return Check(what, measured, f"{least} to {most}", least - margin <= measured <= most + margin)


def latency(
    published: Published, commanded: Sequence[Commanded], starts: Sequence[Start], since_ms: float = 0.0
) -> Latency:
    """Pair each machine's commands with its instances, in order, and those with the readings that started them.

    Readings that were published before ``since_ms`` (Unix ms) are not counted.
    """
    by_machine: dict[str, list[float]] = defaultdict(list)
    for command in commanded:
        by_machine[command.device_id].append(command.at_ms)
    arrivals = {device_id: iter(times) for device_id, times in by_machine.items()}
    took = []
    for start in starts:
        arrived = next(arrivals.get(start.device_id, iter(())), None)
        sent = published[start.device_id, start.reading]
        if arrived is not None and sent >= since_ms:
            took.append(arrived - sent)
    return Latency(round(median(took), 1), round(max(took), 1)) if took else Latency(None, None)
