"""What a run was, and whether it passes: no violation, and not for want of trying."""

from dataclasses import asdict, dataclass, field
from typing import Any

EFFECTIVE_A_MINUTE = 3
KINDS_A_MINUTE = 2
MOST_KINDS = 15
COMPLETED_A_MINUTE = 60
TIMERS_A_MINUTE = 30
FLOWS_A_MINUTE = 5
SHOWN = 30


@dataclass
class Report:
    """Counts; times in seconds.  ``stall_s`` is the longest that a command waited for its outcome."""

    seed: int
    minutes: float
    faults: dict[str, str] = field(default_factory=dict)
    """``effective/struck`` by kind."""
    effective: int = 0
    kinds: int = 0
    commands: int = 0
    completed: int = 0
    timers: int = 0
    effects: int = 0
    undone: int = 0
    """Sagas that were compensated."""
    answered: int = 0
    correlated: int = 0
    entries: int = 0
    """Of walkers into the zone."""
    readings: int = 0
    dead_letters: int = 0
    restarts: int = 0
    longest_stall_s: float = 0.0
    slowest_stop_s: float = 0.0
    rest_s: float = 0.0
    load_average: float = 0.0
    rebuilt: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def lacking(self) -> list[str]:
        """What there was too little of for the run to tell anything."""
        least = {
            "effective": EFFECTIVE_A_MINUTE * self.minutes,
            "kinds": min(KINDS_A_MINUTE * self.minutes, MOST_KINDS),
            "completed": COMPLETED_A_MINUTE * self.minutes,
            "timers": TIMERS_A_MINUTE * self.minutes,
            "effects": COMPLETED_A_MINUTE * self.minutes,
            "dead_letters": 1,
            **dict.fromkeys(("undone", "answered", "correlated", "entries"), FLOWS_A_MINUTE * self.minutes),
        }
        return [
            f"{name}: expected at least {wanted:g}, but got {getattr(self, name)}"
            for name, wanted in least.items()
            if getattr(self, name) < wanted
        ]

    @property
    def passed(self) -> bool:
        return not self.violations and not self.lacking()

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"result": "PASS" if self.passed else "FAIL", **asdict(self), "lacking": self.lacking()}

    def text(self) -> str:
        """For people."""
        verdict = "PASS" if self.passed else "FAIL"
        times = {"longest stall": self.longest_stall_s, "slowest stop": self.slowest_stop_s, "rest": self.rest_s}
        told = (
            "commands",
            "completed",
            "timers",
            "undone",
            "answered",
            "correlated",
            "entries",
            "effects",
            "readings",
            "dead_letters",
            "restarts",
        )
        lines = [
            f"{verdict} seed {self.seed}, {self.minutes:g} min: {self.effective} faults of {self.kinds} kinds hit work",
            f"  {', '.join(f'{getattr(self, name)} {name}' for name in told)}".replace("_", " "),
            f"  {', '.join(f'{name} {at:.1f} s' for name, at in times.items())}; load average {self.load_average:.1f}",
            f"  faults: {', '.join(f'{kind} {count}' for kind, count in sorted(self.faults.items()))}",
        ]
        if self.rebuilt:
            lines.append(f"  rebuilt and verified: {', '.join(self.rebuilt)}")
        lines += [f"  too little: {one}" for one in self.lacking()]
        lines += [f"  violation: {one}" for one in self.violations[:SHOWN]]
        if len(self.violations) > SHOWN:
            lines.append(f"  … and {len(self.violations) - SHOWN} more")
        return "\n".join(lines)
