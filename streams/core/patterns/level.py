"""``for``, ``deadband``, ``re_alarm``: a condition that holds, in the words of alarm management.

          ┌── on ──────────┐     ┌─┐               ┌── on …
    ──────┘                └─────┘ └───────────────┘
          ├─ for ─►fires … re_alarm ─►fires …
                           ├─ off_delay: the alarm stands ─►│ over

On-delay, off-delay, deadband and re-alarm mean what OPC UA part 9 (5.8, annex B.1.5) and ISA-18.2 mean by them:

* **on-delay** (``for``): fires when the condition has held for that long, without a reading in between that says
  otherwise.  The last value holds until the next one comes; with ``max_gap`` no longer than that, so that a sensor
  which fell silent confirms nothing.  False for one reading, and the delay begins anew.
* **deadband**: on above ``on``, off below ``off`` (or the other way round, for a low alarm); between them it stays.
* **off-delay**: what has fired is over when the condition has not held for that long.  Until then it is still the same
  alarm, which does not fire anew.  Prometheus has it as ``keep_firing_for``.
* **re-alarm**: fires again every so often, from the first firing on, while the alarm stands and the condition holds.

A silence longer than ``max_gap`` counts as false, from when the last reading is that old.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from streams.core.patterns.base import Point, Sighting

MAX_MISSED = 10
"""Re-alarms that are made up for when time has jumped: after a week of standstill not one for every hour of it."""


class LevelState(msgspec.Struct, omit_defaults=True, tag="level"):
    """``first`` and ``last`` are the readings since it holds, absent while it does not.

    ``alarm``: it has fired, and is not over.  ``again`` is when it fires again, ``off_since`` when it ceased to hold.
    """

    first: Point | None = None
    last: Point | None = None
    alarm: bool = False
    again: int | None = None
    off_since: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """The delays in milliseconds; without ``on_delay`` it fires at once.

    Of the truths the first is on, and the second, with ``hysteresis``, is off: neither leaves it as it is.
    """

    on_delay: int = 0
    off_delay: int = 0
    re_alarm: int | None = None
    max_gap: int | None = None
    hysteresis: bool = False

    def new(self) -> LevelState:
        return LevelState()

    def see(self, state: LevelState, sighting: Sighting) -> list[Point] | None:
        if sighting.truths[0]:
            state.last = sighting.point
            state.off_since = None
            if state.first is None:
                state.first = state.last
            return self._confirm(state, sighting.at)
        if not self.hysteresis or sighting.truths[1]:
            self._ends(state, sighting.at)
        elif state.first is not None:
            state.last = sighting.point
            return self._confirm(state, sighting.at)
        return None

    def next(self, state: LevelState) -> int | None:
        moments = [] if state.again is None else [state.again]
        if state.first is not None and state.last is not None:
            if not state.alarm:
                moments.append(state.first.at + self.on_delay)
            if self.max_gap is not None:
                moments.append(state.last.at + self.max_gap)
        if state.off_since is not None:
            moments.append(state.off_since + self.off_delay)
        return min(moments, default=None)

    def tick(self, state: LevelState, now: int) -> list[Point] | None:
        at = self.next(state)
        assert at is not None
        if (match := self._confirm(state, at)) is not None:
            return match
        if state.again is not None and self.re_alarm is not None and at >= state.again:
            missed = (now - state.again) // self.re_alarm - MAX_MISSED
            state.again += self.re_alarm * max(1, missed)
            return _points(state)
        if state.off_since is not None:
            state.alarm, state.again, state.off_since = False, None, None
        else:
            self._ends(state, at)
        return None

    def lasts(self, state: LevelState) -> int | None:
        return 0 if state.first is None and not state.alarm else None

    def _confirm(self, state: LevelState, at: int) -> list[Point] | None:
        """Fires when it has held for long enough at ``at``."""
        if state.alarm or state.first is None or at < state.first.at + self.on_delay:
            return None
        state.alarm = True
        state.again = None if self.re_alarm is None else at + self.re_alarm
        return _points(state)

    def _ends(self, state: LevelState, at: int) -> None:
        state.first = state.last = None
        if not state.alarm:
            return
        if self.off_delay == 0:
            state.alarm, state.again = False, None
        elif state.off_since is None:
            state.off_since = at


def _points(state: Any) -> list[Point] | None:
    """The first reading since it holds and the last one; ``None`` while it does not."""
    if state.first is None:
        return None
    return [state.first] if state.last.at == state.first.at else [state.first, state.last]
