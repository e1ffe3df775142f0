"""What people do with tasks, as bodies.  Limits of texts are those of the commands that carry them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from weir.api.moments import Moment

User = Annotated[str, Field(min_length=1, max_length=200)]


class By(BaseModel):
    """Who does it: whoever asks.  An administrator may name another, and must where nobody is asked who they are;
    ``groups`` are that user's.
    """

    model_config = ConfigDict(extra="forbid")

    user: User | None = None
    groups: Annotated[list[User], Field(max_length=200)] = []


class Assign(By):
    """To whom; ``null`` takes the task from whoever has it."""

    assignee: User | None


class Delegate(By):
    """Who is to do it for the user."""

    to: User


class Complete(By):
    """The answers, by name of the form's fields; ``outcome`` is one of the task's outcomes."""

    answers: dict[str, Any] | None = None
    outcome: User | None = None


class Update(By):
    """How urgent it is now."""

    priority: Annotated[int, Field(ge=0, le=100)] | None = None
    due: Moment | None = None
