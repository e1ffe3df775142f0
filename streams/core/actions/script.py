"""``script``: some lines of Python, run in a process of their own that can compute and nothing more."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.expressions import ExpressionSyntaxError, Template, compile_template
from streams.core.scalars import JsonTemplate, syntax_error

MAX_SOURCE = 16_384


def _python(source: str) -> str:
    try:
        compile(source, "<script>", "exec")
    except SyntaxError as error:
        lines = source.splitlines(keepends=True)
        before = lines[: max(0, (error.lineno or 1) - 1)]
        offset = sum(map(len, before)) + max(0, (error.offset or 1) - 1)
        found = ExpressionSyntaxError(f"Expected Python, but got: {error.msg}", min(offset, len(source)))
        raise syntax_error(found) from None
    except (ValueError, RecursionError, MemoryError):
        raise syntax_error(ExpressionSyntaxError("Expected Python that is nested less", 0, "Split it")) from None
    return source


class ScriptConfig(ActionConfig):
    """``source`` reads ``input`` and sets ``output``, an object; ``${…}`` is not filled in there."""

    source: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE), AfterValidator(_python)]
    input: JsonTemplate = Field(default_factory=dict)

    def template(self) -> Template:
        """The source as it is: what looks like an expression in it is Python's business."""
        values: dict[str, Any] = {"source": self.source.replace("${", "$${"), "input": self.input}
        return compile_template(values, texts=frozenset({"source"}))


SCRIPT = ActionSpec("script", ScriptConfig, inline=False)
