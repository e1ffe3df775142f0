"""Who has started a process as a part of its own."""

import msgspec


class Parent(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The activity of an instance that a child belongs to; ``awaits``: it waits for the child's end.

    ``wants`` are the variables of the child that it asks for, all where it is ``None``.  ``depth`` counts the processes
    that the child is within.
    """

    instance_id: str
    activity_id: str
    execution: int
    token: str | None = None
    awaits: bool = True
    wants: list[str] | None = None
    depth: int = 1
