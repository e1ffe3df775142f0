"""What a batch of commands led to, besides what its transaction holds."""

from dataclasses import dataclass, field

from streams.core.due import Timer
from streams.core.events import Event
from streams.core.turn import Turn
from streams.tracing.span import Span

ENDS = frozenset({"completed", "cancelled", "failed", "timed_out"})


@dataclass(slots=True)
class Counts:
    """What was done with commands, by what became of them."""

    commands: int = 0
    events: int = 0
    rejected: int = 0
    forwarded: int = 0
    dead: int = 0
    timers: int = 0
    late: int = 0
    """Readings that came too late for a pattern."""

    def add(self, more: "Counts") -> None:
        """Sum up."""
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@dataclass(slots=True)
class Outcome:
    """What becomes true for the partition's memory once the batch has committed."""

    counts: Counts = field(default_factory=Counts)
    timers: list[tuple[list[Timer], list[Timer]]] = field(default_factory=list)
    """Timers that are over, and those that came instead; one change after the other."""
    raised: list[tuple[int, Timer]] = field(default_factory=list)
    """Timers that are to be tried again; each with how many changes of ``timers`` there were before."""
    ended: list[tuple[int, str, str]] = field(default_factory=list)
    messages: list[Event] = field(default_factory=list)
    fired: list[int] = field(default_factory=list)
    """When (plant time, ms) the timers that fired were due."""
    spans: list[Span] = field(default_factory=list)
    """Of the turns, where they are traced."""

    def note(self, turn: Turn) -> None:
        """What the partition must remember of a command's turn."""
        self.counts.events += len(turn.events)
        self.counts.late += turn.late
        self.timers += turn.entities.timers()
        if turn.windows.changed:
            self.timers += turn.windows.timers()
        for event in turn.events:
            kind = event.type
            if kind in ENDS:
                self.ended.append((turn.now_ms, event.subject, kind))
            elif event.message is not None and event.data.get("action") == "log":
                self.messages.append(event)
