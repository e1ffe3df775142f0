"""What comes in and goes out.  Limits of texts are those of the commands that carry them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from weir.api.moments import Moment

Name = Annotated[str, Field(min_length=1, max_length=200)]
Key = Annotated[str, Field(min_length=1, max_length=512)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Start(_Body):
    """A start.  Sent twice it is one instance if both times name the same one: by ``instance_id``, or by the header
    ``Idempotency-Key`` together with ``requested_at``.
    """

    key: Key | None = None
    """The business key: the thing that the process is about."""
    variables: dict[str, Any] = {}
    version: Annotated[int, Field(ge=1)] | None = None
    """The active one, by default."""
    instance_id: str | None = None
    """The caller's own id: a UUID of version 8 whose time is now and whose partition is that of the key."""
    requested_at: Moment | None = None
    """When the caller first asked, at most five minutes ago; now by default."""


class Started(BaseModel):
    """The start is in Kafka; the processor decides it.  Until then the instance is not found."""

    instance_id: str
    definition_id: str
    key: str | None


class InstanceSignal(_Body):
    """A message for one instance."""

    name: Name
    payload: dict[str, Any] = {}


class KeySignal(InstanceSignal):
    """A message for whatever runs for a key."""

    key: Key
    definition_id: Name | None = None
