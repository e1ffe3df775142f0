"""``subprocess``: start another process, and wait for its end unless told otherwise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from streams.core.activities.base import Continuing, Kind, Node, Output, OutputPaths, Place
from streams.core.expressions import Expression, Template, compile_path, compile_template
from streams.core.scalars import DefinitionId, JsonTemplate, TextTemplate, VariableName


class Subprocess(Continuing):
    """``process`` is the definition's id, ``version`` by default the active one when the activity is entered.

    ``input`` are variables that the child starts with.  ``key`` is its business key, by default this instance's own.
    ``output`` keeps parts of the child's variables as they are at its end; without ``wait`` there are none, and
    ``instance_id`` is all that the result holds.

    A child that fails or is cancelled is an error of this activity; cancelling the activity cancels the child.
    """

    type: Literal["subprocess"]
    process: DefinitionId
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    input: dict[VariableName, JsonTemplate] = Field(default_factory=dict)
    key: TextTemplate | None = None
    wait: bool = True
    output: OutputPaths = Field(default_factory=dict)

    def asked(self) -> Template:
        """What entering renders: ``input``, and ``key`` where it is given."""
        values: dict[str, object] = {"input": dict(self.input)}
        if self.key is not None:
            values["key"] = self.key
        return compile_template(values, texts=frozenset({"key"}))

    def reads(self) -> Iterable[tuple[Place, Expression]]:
        return self.asked().places

    def writes(self) -> Iterable[str]:
        return self.output

    def starts(self) -> Iterable[str]:
        return (self.process,)

    def waits(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SubprocessNode(Node):
    """``asked`` renders to ``input`` and ``key``; ``awaited``: this instance waits for the end of the child.

    ``wants`` are the child's variables that ``output`` reads, ``None``: all.
    """

    process: str
    version: int | None
    asked: Template
    awaited: bool
    wants: list[str] | None
    output: Output


def _compile(model: Subprocess) -> SubprocessNode:
    return SubprocessNode(
        id=model.id,
        next=model.next,
        process=model.process,
        version=model.version,
        asked=model.asked(),
        awaited=model.wait,
        wants=_wants(model.output),
        output=Output.of_paths(model.output),
    )


def _wants(paths: Mapping[str, str]) -> list[str] | None:
    """The child's variables that the paths begin with; ``None`` where one takes them all."""
    names = {steps[0] if (steps := compile_path(path).steps) else None for path in paths.values()}
    return None if None in names else sorted(map(str, names))


SUBPROCESS = Kind(Subprocess, _compile)
