"""Run seeds, and tell what failed and how to replay it.

    python -m tests.simulation --seeds N [--first K] [--jobs J] [--planted]

Exit codes: 0, or 1 when a seed failed, a planted bug was not found, or the seeds have passed in vain.
"""

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from tests.mutations import MUTATIONS
from tests.simulation.minimums import missing
from tests.simulation.run import BLOCK, Outcome, run_all, run_all_and_end

COMMAND = "python -m tests.simulation"
BLOCKS = 5
"""So many of them a process runs, which then ends; what they leave takes a megabyte a seed."""
SHOWN = 10
"""Violations of a seed that are printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--planted", action="store_true", help="plant each bug in turn, until a seed finds it")
    options = parser.parse_args(arguments)
    gc.freeze()  # the program is no garbage: going over it would cost a tenth of each seed
    seeds = range(options.first, options.first + options.seeds)
    return find_planted(seeds) if options.planted else run_seeds(seeds, options.jobs)


def run_seeds(seeds: range, jobs: int) -> int:
    """Run ``seeds`` and print what there is to tell."""
    began, failed, count = time.monotonic(), 0, 0
    faults: Counter[str] = Counter()
    work: Counter[str] = Counter()
    cpu_s, virtual_s = 0.0, 0.0
    for outcome, cpu in _outcomes(seeds, jobs):
        count += 1
        cpu_s, virtual_s = cpu_s + cpu, virtual_s + outcome.took_s
        faults += outcome.faults
        work += outcome.work
        if outcome.violations:
            failed += 1
            _tell(outcome)
    lacking = missing(faults, work, count)
    for what in lacking:
        print(f"in vain: {what}")
    seconds = time.monotonic() - began
    print(f"faults: {_counted(faults)}")
    print(f"work: {_counted(work)}")
    print(
        f"{count} seeds in {seconds:.1f} s ({count / seconds * 60:.0f} a minute, {cpu_s / count * 1000:.1f} ms of CPU "
        f"and {virtual_s / count:.1f} virtual s each), {failed} failed"
    )
    return 1 if failed or lacking else 0


def find_planted(seeds: range) -> int:
    """Plant each bug, and print the first seed that finds it."""
    missed = 0
    for name in MUTATIONS:
        with MUTATIONS[name]():
            found = next((outcome for outcome in run_all(seeds) if outcome.violations), None)
        missed += found is None
        told = "NOT FOUND" if found is None else f"seed {found.seed}: {found.violations[0]}"
        print(f"{name}: {told}", flush=True)
    print(f"{len(MUTATIONS)} bugs planted, {missed} not found")
    return 1 if missed else 0


def _tell(outcome: Outcome) -> None:
    print(f"seed {outcome.seed} failed after {outcome.took_s:.1f} virtual s, with {_counted(outcome.faults)}")
    for violation in outcome.violations[:SHOWN]:
        print(f"    {violation}")
    for at, name, code, why in outcome.exits:
        print(f"    at {at:.3f} {name} ended with {code}: {why}")
    print(f"    again: {COMMAND} --first {outcome.seed} --seeds 1", flush=True)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counter.most_common())


def _outcomes(seeds: range, jobs: int) -> Iterator[tuple[Outcome, float]]:
    """Each outcome, with the CPU seconds that it took.

    The first block runs here: what it compiles is there for the processes that run the others, and end after a while.
    """
    blocks = [seeds[at : at + BLOCK] for at in range(0, len(seeds), BLOCK)]
    yield from _block(run_all, blocks[0])
    if len(blocks) > 1:
        gc.freeze()
        with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=BLOCKS) as pool:
            for outcomes in pool.imap(partial(_block, run_all_and_end), blocks[1:]):
                yield from outcomes


def _block(run: Callable[[range], Iterable[Outcome]], seeds: range) -> list[tuple[Outcome, float]]:
    began = time.process_time()
    outcomes = list(run(seeds))
    cpu_s = (time.process_time() - began) / len(outcomes)
    return [(outcome, cpu_s) for outcome in outcomes]


if __name__ == "__main__":
    sys.exit(main())
