"""Problems in a definition: where, what, and what to write instead.

DefinitionError(ValueError)    ``problems`` has all that were found, at least one of them of severity ``error``
"""

from dataclasses import dataclass
from typing import Literal

_SHOWN = 200
"""Characters of a line; of a longer one those around the place."""


@dataclass(frozen=True, slots=True)
class Problem:
    """``line`` and ``column`` count from 1 and are ``None`` for a definition that is no text; ``text`` is that line.

    ``path`` is where in the definition: ``activities[check_temp].condition``.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str
    fix: str = ""
    text: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """``file:line:column: path: message``, the line with a caret under it, and the fix."""
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        mark = "warning: " if self.severity == "warning" else ""
        lines = [f"{place}: {mark}{f'{self.path}: ' if self.path else ''}{self.message}"]
        if self.line is not None and self.column is not None and self.text:
            margin = f"{self.line:>5} | "
            first = max(0, self.column - _SHOWN // 2) if len(self.text) > _SHOWN else 0
            shown = self.text[first : first + _SHOWN]
            lines += [margin + shown, " " * (len(margin) - 2) + "| " + " " * (self.column - 1 - first) + "^"]
        if self.fix:
            lines.append(f"        {self.fix}")
        return "\n".join(lines)


class DefinitionError(ValueError):
    """The definition cannot be used.  The message is all problems, as ``Problem.__str__`` writes them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
