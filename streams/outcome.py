"""What a batch of commands led to, besides what its transaction holds."""

from dataclasses import dataclass, field

from streams.core.events import Event


@dataclass(slots=True)
class Counts:
    """What was done with commands, by what became of them."""

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

    def note(self, events: list[Event], now_ms: int) -> None:
        """What the partition must remember of a command's events; they were decided at plant time ``now_ms``."""
        self.counts.events += len(events)
        for event in events:
            kind = event.type
            if kind in {"timer_started", "action_requested"} and event.activity_id is not None:
                self.waits.append((event.subject, event.activity_id))
            elif kind in {"completed", "cancelled", "failed"}:
                self.ended.append((now_ms, event.subject, kind))
            elif event.message is not None and event.data.get("action") == "log":
                self.messages.append(event)
