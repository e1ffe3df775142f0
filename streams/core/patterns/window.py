"""A window: what the processor knows of one key for one pattern, and the order in which it learns it."""

from bisect import insort
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from streams.core.patterns.absence import AbsenceState
from streams.core.patterns.base import Form, Point, Sighting
from streams.core.patterns.count import CountState
from streams.core.patterns.level import LevelState
from streams.core.patterns.sequence import SequenceState

VERSION = 1
MAX_HELD = 100
"""Readings that wait to be put in order; beyond it, or ``MAX_HELD_BYTES`` of variables, the oldest do not wait."""
MAX_HELD_BYTES = 8 * 1024
KEEP_MS = 3_600_000
_AT = attrgetter("at")

State = LevelState | CountState | SequenceState | AbsenceState


class Window(msgspec.Struct, omit_defaults=True, tag="window"):
    """The soft record of one key.

    ``name`` is its key in the table, ``pattern`` the fingerprint of the pattern that it belongs to.  ``newest`` is the
    time of the newest reading, and ``lag`` how much later it arrived, in milliseconds.  Readings before ``done`` come
    too late; ``held`` ones wait.  ``variables`` are those of the last reading that brought any, ``fired`` is the time
    of the last firing.  ``due`` is the plant time at which something happens without a reading.
    """

    v: int
    name: str
    pattern: str
    state: State
    newest: int
    lag: int = 0
    done: int = 0
    held: list[Sighting] = msgspec.field(default_factory=list)
    variables: bytes = b""
    fired: int | None = None
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """The pattern matched at ``at`` on the readings ``points``; ``variables`` (JSON) are those of a start."""

    at: int
    points: list[Point]
    variables: bytes


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern.  ``lateness`` and ``cooldown`` in milliseconds; ``fingerprint`` differs where its meaning does.

    With ``cooldown`` a match within that time after a firing of the key is one that nobody hears of.
    """

    form: Form
    fingerprint: str
    lateness: int = 0
    cooldown: int = 0

    def open(self, name: str, at: int, state: State | None = None) -> Window:
        """The window of a key of which nothing is known before ``at``."""
        return Window(VERSION, name, self.fingerprint, self.form.new() if state is None else state, at)

    def observe(self, window: Window, sighting: Sighting, now: int) -> list[Firing] | None:
        """Take in a reading that arrives at plant time ``now``; ``None`` when it comes too late to count."""
        if sighting.at < max(window.done, window.newest - self.lateness):
            return None
        if sighting.at >= window.newest:
            window.newest, window.lag = sighting.at, max(0, now - sighting.at)
        insort(window.held, sighting, key=_AT)
        until = window.newest - self.lateness
        if crowded(window.held):
            until = max(until, window.held[0].at)
        return self._decide(window, until)

    def advance(self, window: Window, now: int) -> list[Firing]:
        """Plant time is ``now``: decide all that silence decides."""
        until = now - self.lateness - window.lag
        firings = self._decide(window, until, silent=True)
        window.done = max(window.done, until + 1)
        return firings

    def due(self, window: Window) -> int | None:
        """The plant time from which on ``advance`` has something to do."""
        at = self.form.next(window.state)
        if window.held:
            at = window.held[0].at if at is None else min(at, window.held[0].at)
        elif at is None:
            at = self._forgotten_at(window)
        return None if at is None else at + self.lateness + window.lag

    def is_over(self, window: Window) -> bool:
        """Whether nothing of the window counts any more, so that it need not be kept."""
        at = self._forgotten_at(window)
        return not window.held and at is not None and window.done > at

    def _forgotten_at(self, window: Window) -> int | None:
        lasts = self.form.lasts(window.state)
        if lasts is None:
            return None
        at = window.newest + lasts + KEEP_MS
        return at if window.fired is None else max(at, window.fired + self.cooldown)

    def _decide(self, window: Window, until: int, *, silent: bool = False) -> list[Firing]:
        """All up to ``until``, readings before moments of the same time.

        What happens at ``until`` itself without a reading, only where it is ``silent``: another one may follow.
        """
        form, state, held = self.form, window.state, window.held
        firings: list[Firing] = []
        taken = 0
        while True:
            moment = form.next(state)
            reading = held[taken] if taken < len(held) else None
            if reading is not None and reading.at <= until and (moment is None or reading.at <= moment):
                taken += 1
                at, match = reading.at, form.see(state, reading)
                window.variables = reading.variables or window.variables
            elif moment is not None and (moment < until or (silent and moment == until)):
                at, match = moment, form.tick(state, until)
            else:
                break
            if match is not None and (window.fired is None or at >= window.fired + self.cooldown):
                window.fired = at
                firings.append(Firing(at, match, window.variables))
        del held[:taken]
        window.done = max(window.done, until)
        return firings


def crowded(held: list[Sighting]) -> bool:
    """Whether more readings wait than a record should hold."""
    return len(held) > MAX_HELD or sum(len(one.variables) for one in held) > MAX_HELD_BYTES
