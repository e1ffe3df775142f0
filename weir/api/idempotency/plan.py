"""The ids of a write: random ones, or with an Idempotency-Key the same whenever it is repeated."""

import hashlib
import uuid
from contextvars import ContextVar
from typing import TypeVar
from uuid import UUID

import msgspec

from streams.codec import encode_json
from streams.core.commands import Command
from weir.api.problems import ProblemError

C = TypeVar("C", bound=Command)


class Plan(msgspec.Struct):
    """``seed`` and ``at_s`` (Unix s) are as they were first; ``repeated``: somebody may have sent some of it before."""

    seed: UUID
    at_s: float
    repeated: bool
    untold: bool = False
    """The answer is told once, and not kept."""

    @property
    def cause(self) -> str:
        """Of the instance that the write starts."""
        return f"idempotency/{self.seed}"

    def command_id(self, command: Command) -> str:
        """The same for the same command."""
        content = hashlib.sha256(encode_json(msgspec.structs.replace(command, id=None))).hexdigest()
        return str(uuid.uuid5(self.seed, content))


CURRENT: ContextVar[Plan | None] = ContextVar("weir_plan", default=None)
"""Of the write that is being carried out."""


def planned(command: C) -> C:
    """The command with its id."""
    plan = CURRENT.get()
    if plan is not None:
        return msgspec.structs.replace(command, id=plan.command_id(command))
    return command if command.id is not None else msgspec.structs.replace(command, id=str(uuid.uuid4()))


def tell_once() -> None:
    """The answer holds a secret: it is not kept for who repeats the write."""
    if (plan := CURRENT.get()) is not None:
        plan.untold = True


def told_once() -> ProblemError:
    """409, for who repeats it."""
    detail = "This was done, and its answer is told once"
    fix = "Undo it, or go on without the answer; for another take a new key."
    return ProblemError(409, "told_once", detail, fix)
