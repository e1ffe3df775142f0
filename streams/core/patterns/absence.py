"""``absent: 2m``: no reading of a key for that long; with a condition, none for which it holds.

Counted from the last such reading; for a key without one, from its first reading of any kind, or, for one of the
pattern's ``keys``, from when the definition became known.  Fires once, and again with ``re_alarm``, until there is such
a reading.  A key that is not among ``keys`` is missed only once it has been seen.
"""

from dataclasses import dataclass

import msgspec

from streams.core.patterns.base import Point, Sighting
from streams.core.patterns.level import MAX_MISSED


class AbsenceState(msgspec.Struct, omit_defaults=True, tag="absence"):
    """``since`` is from when the absence counts, ``last`` the reading that it counts from, if it is one.

    ``alarm``: it has fired, and fires again at ``again``.
    """

    since: int | None = None
    last: Point | None = None
    alarm: bool = False
    again: int | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """The durations in milliseconds.  The only truth is the condition."""

    absent: int
    re_alarm: int | None = None

    def new(self) -> AbsenceState:
        return AbsenceState()

    def watch(self, at: int) -> AbsenceState:
        """Of a key that is missed from ``at`` on, whether it was ever seen or not."""
        return AbsenceState(at)

    def see(self, state: AbsenceState, sighting: Sighting) -> None:
        if sighting.truths[0]:
            state.since, state.last, state.alarm, state.again = sighting.at, sighting.point, False, None
        elif state.since is None:
            state.since = sighting.at

    def next(self, state: AbsenceState) -> int | None:
        if state.alarm or state.since is None:
            return state.again
        return state.since + self.absent

    def tick(self, state: AbsenceState, now: int) -> list[Point]:
        at = self.next(state)
        assert at is not None
        state.alarm = True
        if self.re_alarm is not None:
            missed = (now - at) // self.re_alarm - MAX_MISSED
            state.again = at + self.re_alarm * max(1, missed)
        return [] if state.last is None else [state.last]

    def lasts(self, state: AbsenceState) -> None:  # noqa: ARG002  a key that is missed stays so
        return None
