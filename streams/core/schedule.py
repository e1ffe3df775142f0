"""The state of a definition's schedule: what its clock has fired, what its polls have read, who may run.

One entity a definition, table key ``schedule:<definition id>``, in the partition of the definition's id.  Instants are
Unix milliseconds of plant time.  Triggers are known by their place in the definition, as text.
"""

import msgspec

SCHEDULE_PREFIX = "schedule:"


class Alarm(msgspec.Struct, omit_defaults=True):
    """A trigger of the clock.  ``spec`` is that of its moments; ``last`` the newest moment that has come.

    ``nominal`` is the next moment and ``due`` when it is due, later by its jitter; both ``None`` behind the last one.
    """

    spec: str
    nominal: int | None = None
    due: int | None = None
    last: int | None = None


class Poll(msgspec.Struct, omit_defaults=True):
    """A trigger of a database.  ``spec`` is that of its watermark, ``watermark`` its columns' values as texts.

    ``number`` counts the polls; ``due`` is when the next one is asked for, or, while ``asked``, when the answer to this
    one is given up.  ``begun``: the watermark counts, even where it is ``None``, since there were no rows.  ``limit``
    is how many rows are asked for where the trigger's own number was too many, else 0.
    """

    spec: str
    number: int = 0
    due: int | None = None
    asked: bool = False
    begun: bool = False
    watermark: list[str] | None = None
    failures: int = 0
    limit: int = 0


class Schedule(msgspec.Struct, omit_defaults=True, tag="schedule"):
    """``version`` is the active one of the definition, 0 when none is.

    ``running`` are the instances that have a slot, ``waiting`` those that wait for one, in the order in which they
    came; ``limit`` is how many slots there are, 0 where nobody has asked for one.
    """

    v: int
    id: str
    seq: int = 0
    updated_at: int = 0
    version: int = 0
    alarms: dict[str, Alarm] = {}
    polls: dict[str, Poll] = {}
    limit: int = 0
    running: list[str] = []
    waiting: list[str] = []


def schedule_entity(definition_id: str) -> str:
    """The table key of a definition's schedule."""
    return SCHEDULE_PREFIX + definition_id
