"""One seed: a world, load, faults, rest, verdict."""

import gc
import hashlib
import sys
import warnings
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import msgspec

from tests.simulation.faults import ENDS_S, Faults
from tests.simulation.features import drawn_load
from tests.simulation.judge import judge
from tests.simulation.load import Load
from tests.simulation.minimums import idle
from tests.simulation.patches import patched, quiet
from tests.simulation.world import World

T = TypeVar("T")
BLOCK = 20
"""Runs whose remains are thrown away together, at most."""
QUIET_S = 1.0
_left: list[World] = []
"""Kept, so that nothing of them is unwound."""
REST_WITHIN_S = 150.0
"""Virtual time after the last fault until everything must be done."""


@dataclass
class Outcome:
    """Of a run; ``trace`` is the same for the same run."""

    seed: int
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    work: Counter[str] = field(default_factory=Counter)
    exits: list[tuple[float, str, int, str]] = field(default_factory=list)
    trace: str = ""
    took_s: float = 0.0
    """Virtual seconds."""


def run(seed: int) -> Outcome:
    """Run ``seed`` to its end."""
    with undisturbed():
        return _run(seed)


def run_all(seeds: Iterable[int]) -> Iterator[Outcome]:
    """Run one seed after the other, which costs less than each for itself.

    The first blocks are short, for whoever stops at the first outcome of a kind.
    """
    left, size = iter(seeds), 1
    while block := list(islice(left, size)):
        with undisturbed():
            outcomes = [_run(seed) for seed in block]
        yield from outcomes
        size = min(2 * size, BLOCK)


def run_all_and_end(seeds: Iterable[int]) -> list[Outcome]:
    """``run_all`` in a process that ends soon: what runs leave is not thrown away, which costs a sixth of each."""
    gc.disable()
    outcomes = []
    for seed in seeds:
        world = World(seed)
        _left.append(world)
        with patched(world):
            outcomes.append(_outcome(world, seed))
    return outcomes


def _run(seed: int) -> Outcome:
    world = World(seed)
    with patched(world):
        try:
            return _outcome(world, seed)
        finally:
            world.discard()


def _outcome(world: World, seed: int) -> Outcome:
    (load, todo), faults = drawn_load(world), Faults(world)
    world.start_all(load.roles)
    load.begin(todo)
    faults.begin()
    world.loop.run(ENDS_S)
    unrest = _rest(world, load)
    outcome = Outcome(seed, faults=world.faults, exits=list(world.ends), trace=_trace(world), took_s=world.loop.now)
    outcome.violations += [f"unhandled: {what}" for what in world.loop.unhandled]
    if unrest:
        outcome.violations.append(f"rest: expected within {REST_WITHIN_S:g} s, but {unrest}")
    checked, differences = _at_once(judge(world, load))
    outcome.work = checked.counts
    outcome.violations += idle(outcome.work, world.roles)
    outcome.violations += [f"{one.kind}: {one.subject}/{one.seq}: {one.message}" for one in differences]
    return outcome


def _rest(world: World, load: Load) -> str:
    """Let everything come to an end; what has not."""
    deadline = world.loop.now + REST_WITHIN_S
    while True:
        unrest = "sends are under way" if load.under_way else world.unrest()
        if not unrest or world.loop.now > deadline:
            return unrest
        world.loop.run(world.loop.now + QUIET_S)


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("Expected the verdict to wait for nothing")


def _trace(world: World) -> str:
    """A digest of every callback that ran, when and whose, and of every record."""
    digest = hashlib.blake2b(world.loop.times.tobytes() + world.loop.owners.tobytes(), digest_size=16)
    for tp, log in world.broker.logs.items():
        digest.update(msgspec.msgpack.encode((tp, [entry.record for entry in log.entries])))
    return digest.hexdigest()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without garbage collection, which would run the remains of killed processes at any moment."""
    hook, enabled = sys.unraisablehook, gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        sys.unraisablehook = lambda _: None  # the remains complain when they are thrown away
        with warnings.catch_warnings(action="ignore"), quiet():
            gc.collect()
        sys.unraisablehook = hook
        if enabled:
            gc.enable()
