"""Patterns over the readings of one key: what a trigger of type ``pattern`` looks for.

    sighting ─► window ─ late ─► counted, dropped
                  └─ in the order of event time ─► form ─► match ─ cooldown ─► firing

A *sighting* is a reading as a pattern sees it: its time, which of the pattern's conditions hold, the values that they
read.  A *form* is a machine: state and a sighting, or a moment that has come, in; a match or none out.  A *window* is
what the processor keeps of one key: the form's state, and what must still be put in order.

| form     | of the language                                    | file          |
|----------|----------------------------------------------------|---------------|
| level    | ``for``, ``deadband``, ``re_alarm``, ``off_delay``  | ``level.py``  |
| count    | ``count`` and ``within``                           | ``count.py``  |
| sequence | ``sequence`` and ``within``                        | ``sequence.py`` |
| absence  | ``absent``                                         | ``absence.py`` |

**Time** is event time in Unix milliseconds: the reading's own, or its arrival with ``device_time: false`` (for devices
whose clocks are wrong: one that jumps makes readings late), and never later than its arrival.  A key's clock runs on
from its newest reading: what comes from silence (the end of an on-delay, an absence) comes when as much plant time has
passed since that reading *arrived*, and half a second more for readings that are on their way (``matching``).  So
devices whose clocks are late, and readings that a stopped router brings late, end no delay too early.  What was overdue
when a partition got a new owner waits ten seconds for the readings that nobody could take meanwhile.

**Order.**  A reading may be older than the newest one of its key by ``lateness``; it is put where it belongs, and
everything is decided that much later.  An older one is late (as Flink's CEP has it: older than the watermark), and
changes nothing.  Readings of the same millisecond stay as they came.  At the moment at which a delay ends readings come
first: what is false just then has not held long enough.

**What is remembered** are soft records, in the changelog and in no event: they survive restarts and move with their
partition; a rebuild of the table begins without them, as does a pattern that a new version of its definition changes.
A key of which nothing counts any more is forgotten an hour after its newest reading.
"""

from streams.core.patterns.absence import Absence, AbsenceState
from streams.core.patterns.base import Form, Point, Sighting
from streams.core.patterns.count import Count, CountState
from streams.core.patterns.level import Level, LevelState
from streams.core.patterns.sequence import Sequence, SequenceState
from streams.core.patterns.window import Firing, Pattern, Window

FORMS: dict[type, type[Form]] = {
    LevelState: Level,
    CountState: Count,
    SequenceState: Sequence,
    AbsenceState: Absence,
}
"""By the state that a window keeps of it."""

__all__ = [
    "FORMS",
    "Absence",
    "Count",
    "Firing",
    "Form",
    "Level",
    "Pattern",
    "Point",
    "Sequence",
    "Sighting",
    "Window",
]
