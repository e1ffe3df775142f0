"""``message``: wait until somebody signals the instance."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from streams.core.activities.base import Continuing, Kind, Node, Output, OutputPaths, Place
from streams.core.expressions import Expression, compile_expression
from streams.core.scalars import ExpressionText


class Message(Continuing):
    """``name`` is the message's name, the one that a ``signal`` command carries; ``output`` keeps its payload.

    ``correlation`` is an expression: the key under which the message is published, for senders who know no instance.
    """

    type: Literal["message"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    correlation: ExpressionText | None = None
    output: OutputPaths = Field(default_factory=dict)

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        if self.correlation is not None:
            yield ("correlation",), compile_expression(self.correlation)

    def writes(self) -> Iterable[str]:
        return self.output

    def waits(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNode(Node):
    """``message`` is the awaited name, ``correlation`` yields the key that it is awaited under."""

    message: str
    correlation: Expression | None
    output: Output


def _compile(model: Message) -> MessageNode:
    return MessageNode(
        id=model.id,
        next=model.next,
        message=model.name,
        correlation=None if model.correlation is None else compile_expression(model.correlation),
        output=Output.of_paths(model.output),
    )


MESSAGE = Kind(Message, _compile)
