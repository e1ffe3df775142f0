"""The state of a definition's schedule: what its clock has fired, and who may run.

One entity a definition, table key ``schedule:<definition id>``, in the partition of the definition's id.  Instants are
Unix milliseconds of plant time.  Triggers are known by their place in the definition, as text.
"""

import msgspec


class Alarm(msgspec.Struct, omit_defaults=True):
    """A trigger of the clock.  ``spec`` is that of its moments; ``last`` the newest moment that has come.

    ``nominal`` is the next moment and ``due`` when it is due, later by its jitter; both ``None`` behind the last one.
    """

    spec: str
    nominal: int | None = None
    due: int | None = None
    last: int | None = None


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
    limit: int = 0
    running: list[str] = []
    waiting: list[str] = []


def schedule_entity(definition_id: str) -> str:
    """The table key of a definition's schedule."""
    return f"schedule:{definition_id}"
