"""A bounded number of seeds for every change; ``poe simulate`` runs thousands."""

import gc
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutations import MUTATIONS
from tests.simulation.__main__ import main
from tests.simulation.minimums import missing
from tests.simulation.run import run, run_all

SEEDS = range(1, 201)
FINDS_WITHIN = range(1, 201)
RARE = {
    "recover before fencing",  # the predecessor must commit in the few milliseconds between
}
"""Bugs that take more seeds than a test has."""
FOUND_BY = {
    "apply a command twice": 2,
    "events before the changelog": 7,
    "group offset before the commands": 19,
    "no fencing": 10,
    "recover before fencing": 203,
    "begin a table with what comes": 2,
    "pass over gaps of a changelog": 49,
    "recovered before it is read": 2,
    "lose timers on takeover": 2,
    "timers overtake commands": 8,
    "drop dead letters": 9,
    "deliver a signal twice": 5,
    "keep early signals": 14,
    "another idempotency key each time": 2,
    "lose a pattern's silence on takeover": 7,
    "count a reading again": 23,
    "keep no firing of a pattern": 7,
    "swallow an action's error": 2,
    "position ahead of the answers": 53,
    "count answers before Kafka has them": 25,
    "acknowledge MQTT early": 68,
    "project as nobody's owner": 30,
    "skip the last reading": 18,
    "route a reading again": 4,
    "take in the position before the rows": 16,
    "take in as nobody's owner": 29,
    "take in again what a broken commit has taken in": 29,
    "forget who is inside on takeover": 40,
    "events of the station outside the transaction": 16,
    "relay the outbox again": 6,
    "empty the outbox before Kafka has it": 12,
    "no fencing of the relay": 12,
}
"""Where to look first (``poe simulate --planted`` tells the first): a seed that finds the bug, as the code is now."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _program_is_no_garbage() -> Iterator[None]:
    """Going over it would cost each run a good deal."""
    gc.freeze()
    yield
    gc.unfreeze()


def test_no_seed_finds_anything_and_none_passes_in_vain():
    faults: Counter[str] = Counter()
    work: Counter[str] = Counter()
    for outcome in run_all(SEEDS):
        assert not outcome.violations, f"seed {outcome.seed}: {outcome.violations[:5]}"
        faults += outcome.faults
        work += outcome.work
    assert missing(faults, work, len(SEEDS)) == []


@pytest.mark.parametrize("name", sorted(MUTATIONS.keys() - RARE))
def test_planted_bugs_are_found(name):
    with MUTATIONS[name]():
        assert any(outcome.violations for outcome in run_all([FOUND_BY.get(name, 1), *FINDS_WITHIN]))


def test_what_is_rare_is_planted():
    assert MUTATIONS.keys() >= RARE | FOUND_BY.keys()


def test_a_seed_is_one_run_event_by_event_whatever_the_hashes():
    here = [run(seed).trace for seed in (7, 8)]
    assert here == [run(seed).trace for seed in (7, 8)]
    assert here[0] != here[1]
    program = "from tests.simulation.run import run; print(*[run(seed).trace for seed in (7, 8)])"
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == here


def test_a_failing_seed_is_told_with_the_command_that_replays_it(capsys):
    with MUTATIONS["write events twice"]():
        found = next(outcome for outcome in run_all(FINDS_WITHIN) if outcome.violations)
        assert main(["--first", str(found.seed), "--seeds", "1"]) == 1
    told = capsys.readouterr().out
    assert found.violations[0] in told
    assert f"again: python -m tests.simulation --first {found.seed} --seeds 1" in told
