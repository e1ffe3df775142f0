"""What a batch of commands led to, besides what its transaction holds."""

from dataclasses import dataclass, field

from streams.core.events import Event


@dataclass(slots=True)
class Counts:
    """What a partition has done since this process took it over."""

    commands: int = 0
    events: int = 0
    rejected: int = 0
    forwarded: int = 0
    dead: int = 0
    timers: int = 0

    def add(self, more: "Counts") -> None:
        """Sum up."""
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@dataclass(slots=True)
class Outcome:
    """What becomes true for the partition's memory once the batch has committed."""

    counts: Counts = field(default_factory=Counts)
    waits: list[tuple[str, str]] = field(default_factory=list)
    """(instance id, activity id) that may have a timer now."""
    answered: list[tuple[str, str, int]] = field(default_factory=list)
    """(instance id, activity id, execution) whose deadline does not count any more."""
    ended: list[tuple[int, str, str]] = field(default_factory=list)
    messages: list[Event] = field(default_factory=list)
