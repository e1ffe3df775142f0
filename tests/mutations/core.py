"""Bugs in what is decided."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.core.commands import FireTimer, Signal
from streams.core.decide import DECIDERS
from streams.core.flow import service, starts
from streams.core.schedules import fire
from streams.timers import Timers
from tests.mutations.replacing import replaced


@contextmanager
def _decided_by(command: type, make: Any) -> Iterator[None]:
    original = DECIDERS[command]
    DECIDERS[command] = make(original)
    try:
        yield
    finally:
        DECIDERS[command] = original


@contextmanager
def deliver_a_signal_twice() -> Iterator[None]:
    """Whoever runs for the key receives it once more."""

    def twice(original: Any) -> Any:
        def decide(turn: Any, command: Signal) -> None:
            original(turn, command)
            if any(event.type == "signal_received" for event in turn.events) and turn.rejection is None:
                original(turn, command)

        return decide

    with _decided_by(Signal, twice):
        yield


@contextmanager
def keep_early_signals() -> Iterator[None]:
    """A start takes none of the signals that wait for it."""
    with replaced(starts, "release_signals", lambda _: lambda _turn, _instance: None):
        yield


@contextmanager
def fire_twice() -> Iterator[None]:
    """A timer is taken out twice, and fires whether or not somebody still waits for it."""

    def reckless(original: Any) -> Any:
        def decide(turn: Any, command: FireTimer) -> None:
            instance = turn.instance(command.instance_id)
            if instance is None or instance.status != "running" or command.activity_id in instance.waiting:
                original(turn, command)
                return
            turn.emit(instance, "timer_fired", {"execution": command.execution}, command.activity_id)

        return decide

    def twice(original: Any) -> Any:
        return lambda self, now_ms, limit: [timer for timer in original(self, now_ms, limit) for _ in range(2)]

    with _decided_by(FireTimer, reckless), replaced(Timers, "due", twice):
        yield


@contextmanager
def another_idempotency_key() -> Iterator[None]:
    """Requests are numbered, instead of named after what asks."""
    numbers = itertools.count()

    def numbered(original: Any) -> Any:
        def emit(flow: Any, *given: Any) -> None:
            original(flow, *given)
            flow.turn.events[-1].data["idempotency_key"] = f"request-{next(numbers)}"

        return emit

    with replaced(service, "request", numbered):
        yield


@contextmanager
def forget_starts_of_the_clock() -> Iterator[None]:
    """Now and then a moment of a schedule fires, and nothing starts."""
    numbers = itertools.count()

    def forgetful(original: Any) -> Any:
        def start(turn: Any, *given: Any) -> Any:
            after = original(turn, *given)
            if next(numbers) % 5 == 0:
                turn.follow_ups.pop()
            return after

        return start

    with replaced(fire, "_start", forgetful):
        yield
