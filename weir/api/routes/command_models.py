"""What operators do with instances, as bodies.  Limits are those of the commands that carry them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.core.commands import MAX_TTL_MS
from weir.api.routes.process_filters import MAX_VERSION
from weir.api.routes.process_models import Key, Name

Reason = Annotated[str | None, Field(max_length=4000, description="Why, for the history.")]


class Reasoned(BaseModel):
    """What suspending, cancelling and retrying need: nothing."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = None


class Resuming(Reasoned):
    """``timers``: ``fire`` those that came due meanwhile, or ``shift`` all; by default as the definition says."""

    timers: Literal["fire", "shift"] | None = None


class Variables(Reasoned):
    """Values by name; those that are not named stay as they are."""

    variables: Annotated[dict[str, Any], Field(min_length=1)]


class Migration(Reasoned):
    """``activities``: what is called otherwise in the new version, old name to new; ``variables``: its own new ones.

    With ``dry_run`` nothing is done: the answer tells what would become of the instance.
    """

    version: Annotated[int, Field(ge=1, le=MAX_VERSION)]
    activities: dict[Name, Name] = {}
    variables: dict[str, Any] = {}
    dry_run: bool = False


class Message(BaseModel):
    """A message for whoever waits for ``name`` under ``correlation_key``, now or within ``ttl_ms`` (by default 1 h).

    A second one with the same ``message_id`` is refused as long.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    correlation_key: Key
    payload: dict[str, Any] = {}
    ttl_ms: Annotated[int, Field(ge=0, le=MAX_TTL_MS)] | None = None
    message_id: Name | None = None
