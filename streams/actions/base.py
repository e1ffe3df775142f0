"""What performing an action is: a request in, an output or an ``ActionError`` out."""

from typing import Any, NamedTuple, Protocol

from streams.core.actions.failures import is_transient


class ActionError(Exception):
    """The action failed, in a way that its performer understands.

    ``error_type`` is a short machine-readable kind.  Whether the same request may succeed later is what
    ``streams.core.actions.failures`` says of it; an extension says it of its own types by ``retryable``.
    """

    def __init__(self, message: str, error_type: str, *, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.retryable = is_transient(error_type) if retryable is None else retryable


def invalid_config(message: str) -> ActionError:
    """The configuration, as rendered, cannot be carried out: no retry will help."""
    return ActionError(message, "invalid_config")


def unavailable(message: str) -> ActionError:
    """What the action needs cannot be reached now."""
    return ActionError(message, "unavailable")


class ActionRequest(NamedTuple):
    """One execution of an action.

    ``config`` is rendered.  ``idempotency_key`` is the same however often the request is performed: at least once.
    ``time_left_s`` are real seconds; afterwards the performer is cancelled.  ``traceparent`` (W3C Trace Context) is
    for whoever is called, where the plant is traced.
    """

    action: str
    config: dict[str, Any]
    instance_id: str
    activity_id: str
    definition_id: str
    idempotency_key: str
    time_left_s: float
    traceparent: str | None = None


class Effect(NamedTuple):
    """What performing a request would do: ``does`` in words, ``details`` as JSON."""

    does: str
    details: dict[str, Any]


class Performer(Protocol):
    """Performs one kind of action, many requests at the same time."""

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        """The action's output, as JSON.  Raises ``ActionError``; anything else is taken for a bug."""
        ...

    def dry_run(self, request: ActionRequest) -> Effect:
        """What ``perform`` would do, found out without reaching anything.  Raises ``ActionError`` as that would."""
        ...


def text_of(config: dict[str, Any], name: str, default: str | None = None) -> str:
    """The text ``name`` of ``config``, not empty.  Raises ``ActionError``."""
    value = config.get(name, default)
    if not isinstance(value, str) or not value:
        raise invalid_config(f"Expected a text in config.{name}, but got {value!r:.200}")
    return value
