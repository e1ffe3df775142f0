"""``message``: wait until somebody signals the instance."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from streams.core.activities.base import Continuing, Kind, Node, Output, OutputPaths


class Message(Continuing):
    """``name`` is the message's name, the one that a ``signal`` command carries; ``output`` keeps its payload."""

    type: Literal["message"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    output: OutputPaths = Field(default_factory=dict)

    def writes(self) -> Iterable[str]:
        return self.output

    def waits(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNode(Node):
    """``message`` is the awaited name."""

    message: str
    output: Output


def _compile(model: Message) -> MessageNode:
    return MessageNode(id=model.id, next=model.next, message=model.name, output=Output.of_paths(model.output))


MESSAGE = Kind(Message, _compile)
