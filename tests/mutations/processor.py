"""Bugs in what the processor does with a batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams import processing
from streams.core.state import Instance
from streams.processing import PartitionProcessor
from streams.staging import Staged
from streams.timers import Timers
from tests.mutations.replacing import replaced

EARLY_MS = 400


@contextmanager
def lose_timers_on_takeover() -> Iterator[None]:
    """The heap is not built from the table."""
    with replaced(Timers, "restore", lambda _: lambda _self, _entity: None):
        yield


@contextmanager
def timers_early() -> Iterator[None]:
    """A timer fires a little before it is due."""

    def early(original: Any) -> Any:
        return lambda self, now_ms, limit: original(self, now_ms + EARLY_MS, limit)

    def wake(original: Any) -> Any:
        def wake_at(self: PartitionProcessor) -> float | None:
            at: float | None = original(self)
            return None if at is None else at - EARLY_MS / 1000

        return wake_at

    def fire(original: Any) -> Any:
        return lambda self, timer, time: original(self, timer, min(time, timer.due_ms - 1))

    with (
        replaced(Timers, "due", early),
        replaced(PartitionProcessor, "wake_at", wake),
        replaced(PartitionProcessor, "_fire", fire),
    ):
        yield


@contextmanager
def timers_overtake_commands() -> Iterator[None]:
    """The timers of a batch fire before its commands, whenever those were appended."""

    def first(original: Any) -> Any:
        def process(self: Any, decoded: Any, txn: Any, now_ms: float, *, caught_up: bool) -> Any:
            if decoded:
                timers = original(self, [], txn, now_ms, caught_up=True)
                self.committed(timers)
            return original(self, decoded, txn, now_ms, caught_up=caught_up)

        return process

    with replaced(PartitionProcessor, "process", first):
        yield


@contextmanager
def write_events_twice() -> Iterator[None]:
    """What a command leads to goes into the transaction twice."""

    def twice(original: Any) -> Any:
        def commit_to(self: Staged, txn: Any) -> None:
            original(self, txn)
            original(self, txn)

        return commit_to

    with replaced(Staged, "commit_to", twice):
        yield


@contextmanager
def forward_twice() -> Iterator[None]:
    """A command in a wrong partition is forwarded twice."""

    def twice(original: Any) -> Any:
        def forward(self: Any, *args: Any) -> None:
            original(self, *args)
            original(self, *args)

        return forward

    with replaced(PartitionProcessor, "_forward", twice):
        yield


@contextmanager
def drop_rejections() -> Iterator[None]:
    """A refused command leaves no trace."""
    with replaced(processing, "stage_rejection", lambda _: lambda *_args: Staged()):
        yield


@contextmanager
def drop_dead_letters() -> Iterator[None]:
    """Poison leaves no trace."""
    with replaced(processing, "stage_dead_letter", lambda _: lambda *_args: Staged()):
        yield


@contextmanager
def forget_a_state() -> Iterator[None]:
    """Of an instance that has waited for a message before, the table keeps the state before the last command."""

    def stale(original: Any) -> Any:
        def stage(turn: Any, topics: Any) -> Staged:
            staged: Staged = original(turn, topics)
            woken = {
                entity_id.encode()
                for entity_id, entity in turn.entities.changed.items()
                if isinstance(entity, Instance) and entity.status == "running" and entity.steps > 1
            }
            staged.writes = [(key, value) for key, value in staged.writes if key not in woken]
            return staged

        return stage

    with replaced(processing, "stage_turn", stale):
        yield
