"""``service``: have an action performed.

There is one model for each action, so that the shape of ``config`` follows from ``action``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from streams.core.actions import ACTIONS, ActionConfig, ActionSpec
from streams.core.activities.base import Continuing, Kind, Node, Output, OutputPaths, Place
from streams.core.activities.retry import Retry, RetryPolicy, RetrySpec
from streams.core.expressions import Expression, Template
from streams.core.scalars import Duration


class Service(Continuing):
    """``timeout`` is how long an attempt may take, in real time; ``output`` keeps the result."""

    type: Literal["service"]
    action: str
    config: ActionConfig
    timeout: Annotated[Duration, Field(json_schema_extra={"default": "30s"})] = 30_000
    retry: RetrySpec = Field(default_factory=Retry)
    output: OutputPaths = Field(default_factory=dict)

    def limit(self) -> int | None:
        """None beyond that of its attempts."""
        return None

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return [(("config", *place), expression) for place, expression in self.config.template().places]

    def writes(self) -> Iterable[str]:
        return self.output

    def waits(self) -> bool:
        return not ACTIONS[self.action].inline


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNode(Node):
    """``config`` renders to what the action gets; ``inline``: the event is the effect, no worker is asked."""

    action: str
    inline: bool
    config: Template
    timeout_ms: int
    retry: RetryPolicy
    output: Output


def service_model(spec: ActionSpec) -> type[Service]:
    """The model of a service that names this action."""
    title = spec.name.title().replace("_", "")
    fields: dict[str, Any] = {"action": (Literal[spec.name], ...), "config": (spec.config, ...)}
    return create_model(f"{title}Service", __base__=Service, __doc__=f"A service: {spec.name}.", **fields)


SERVICES: dict[str, type[Service]] = {name: service_model(spec) for name, spec in ACTIONS.items()}
"""The model of a service, by its action."""


def _compile(model: Service) -> ServiceNode:
    return ServiceNode(
        id=model.id,
        next=model.next,
        action=model.action,
        inline=ACTIONS[model.action].inline,
        config=model.config.template(),
        timeout_ms=model.timeout,
        retry=RetryPolicy.of(model.retry),
        output=Output.of_paths(model.output),
    )


SERVICE = Kind(Service, _compile)
