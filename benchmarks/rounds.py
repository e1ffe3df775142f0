"""Alternating rounds with other systems: a round of each peer, then one of ours, and so on; ratios of medians.

Each round begins from nothing, ours like theirs: new services, new data.  While a peer runs, nothing of ours does.  The
best concurrency of each is found in the first round and kept.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers import run_peer
from benchmarks.workload import Emit, Options, Workload

HIGHER_IS_BETTER = {"rate": True, "signal_rate": True, "p50_ms": False, "p99_ms": False, "cpu_us_total": False}
RATIO_OF = {"w1": "rate", "w2": "rate", "w3": "p50_ms"}
"""The figure that ``ratio`` is about: above 1, ours is better."""


@dataclass(frozen=True)
class Against:
    """Which peers, from which folder, in how many rounds."""

    peers: tuple[str, ...]
    folder: Path
    rounds: int


def compare(workload: str, run: Workload, options: Options, against: Against, emit: Emit) -> dict[str, Any]:
    """Run the rounds; the summary of our median round, with ``peers`` and all rounds."""
    theirs: dict[str, list[dict[str, Any]]] = {name: [] for name in against.peers}
    ours: list[dict[str, Any]] = []
    for number in range(1, against.rounds + 1):
        for name, rounds in theirs.items():
            options.step(f"round {number}: {name}", None)
            level = rounds[0].get("concurrency") if rounds and workload == "w1" else None
            rounds.append(run_peer(name, workload, against.folder, level))
            emit({"workload": f"{workload}-round", "round": number, "system": name, **rounds[-1]})
        options.step(f"round {number}: weir", None)
        ours.append(run(options, emit))
        emit({**ours[-1], "workload": f"{workload}-round", "round": number, "system": "weir"})
        if workload == "w1":
            options = replace(options, outstanding=(ours[-1]["outstanding"],))
    return {**_summary(workload, ours), "peers": {name: _ratios(workload, ours, of) for name, of in theirs.items()}}


def _summary(workload: str, ours: list[dict[str, Any]]) -> dict[str, Any]:
    """Our median round; of the figures that are compared, the medians."""
    figure = RATIO_OF[workload]
    middle = sorted(ours, key=lambda one: float(one[figure]))[len(ours) // 2]
    medians = {name: round(median(one[name] for one in ours), 2) for name in HIGHER_IS_BETTER if name in middle}
    return {**middle, **medians, "rounds": [one[figure] for one in ours]}


def _ratios(workload: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for figure in (name for name in HIGHER_IS_BETTER if name in theirs[0]):
        our_median, their_median = median(one[figure] for one in ours), median(one[figure] for one in theirs)
        found[figure] = round(their_median, 2)
        found[f"{figure}_ratio"] = _ratio(figure, our_median, their_median)
    figure = RATIO_OF[workload]
    found["ratio"] = found.pop(f"{figure}_ratio")
    found["rounds"] = [one[figure] for one in theirs]
    for kind in dict.fromkeys(name for one in ours for name in one.get("also", {})):
        of_kind = median(one["also"][kind][figure] for one in ours)
        found[f"ratio_{kind}"] = _ratio(figure, of_kind, median(one[figure] for one in theirs))
    return found


def _ratio(figure: str, ours: float, theirs: float) -> float:
    """How many times better ours is."""
    better, worse = (ours, theirs) if HIGHER_IS_BETTER[figure] else (theirs, ours)
    return round(better / worse, 2) if worse else 0.0
