"""One SQL statement whose values are parameters: ``$1`` and a list, or ``:name`` and an object.

PostgreSQL knows ``$1`` only; ``:name`` becomes that, wherever it is not within a text, a quoted name, a comment, a cast
(``::``) or ``:=`` (PostgreSQL 17, section 4.1).  Values never become part of the statement.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from streams.core.expressions import ExpressionSyntaxError
from streams.core.suggest import suggest

MAX_PARAMETERS = 1_000
_TOKEN = re.compile(
    r"""
      (?P<blank> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<text> (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<dollar> (?<!\w)(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag) )
    | (?P<operator> ::|:= )
    | (?P<named> :[A-Za-z_]\w* )
    | (?P<numbered> (?<!\w)\$\d+ )
    | (?P<word> \w[\w$]* )
    | (?P<open> ['"] | /\* )
    | (?P<end> ; )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN = {"'": "a closing '", '"': 'a closing "', "/*": "a closing */"}


class Statement(NamedTuple):
    """``text`` has ``$n`` for every parameter; ``names`` are those of ``:name``, in the order of their numbers.

    ``highest`` is the largest ``$n`` that was written; ``verb`` the first word, in capitals.
    """

    text: str
    names: tuple[str, ...]
    highest: int
    verb: str

    def arguments(self, params: Any) -> list[Any]:
        """The values of ``$1``, ``$2`` … out of ``params``.  Raises ``ValueError``."""
        if params is None:
            params = {} if self.names else []
        if self.names:
            if not isinstance(params, dict):
                raise ValueError(f"Expected an object with {_all(self.names)} as params, but got {_kind(params)}")
            check_names(self.names, params)
            return [params[name] for name in self.names]
        if isinstance(params, dict) and not self.highest:
            check_names((), params)
            return []
        if not isinstance(params, list):
            raise ValueError(f"Expected a list with the values of $1, $2 … as params, but got {_kind(params)}")  # noqa: TRY004
        check_count(self.highest, params)
        return params


def parse_statement(sql: str, verbs: Collection[str]) -> Statement:
    """Raises ``ExpressionSyntaxError`` with the offset of what is wrong; ``verbs`` are those that it may begin with."""
    if (mark := sql.find("${")) >= 0:
        fix = "Write :name instead, and name: ${…} under params"
        raise ExpressionSyntaxError("Expected SQL with its values as parameters, but got '${'", mark, fix)
    reader = _Reader(verbs)
    for found in _TOKEN.finditer(sql):
        reader.take(found.lastgroup or "", found[0], found.start())
    if not reader.verb:
        raise ExpressionSyntaxError("Expected a statement, but it is empty", 0)
    if max(reader.highest, len(reader.names)) > MAX_PARAMETERS:
        raise ExpressionSyntaxError(f"Expected at most {MAX_PARAMETERS} parameters", 0)
    return Statement("".join(reader.parts), tuple(reader.names), reader.highest, reader.verb)


def without_end(sql: str) -> str:
    """The statement, which ``parse_statement`` has taken, without the ``;`` behind it, to stand within another one."""
    return "".join(found[0] for found in _TOKEN.finditer(sql) if found.lastgroup != "end")


class _Reader:
    """Takes one token after the other."""

    def __init__(self, verbs: Collection[str]) -> None:
        self._verbs = verbs
        self._over = False
        self.parts: list[str] = []
        self.names: dict[str, int] = {}
        self.highest = 0
        self.verb = ""

    def take(self, kind: str, part: str, offset: int) -> None:
        """``kind`` is a group of ``_TOKEN``.  Raises ``ExpressionSyntaxError``."""
        if kind != "blank":
            self._check(kind, part, offset)
        if kind == "end":
            self._over = True
            return
        if kind == "named":
            part = f"${self.names.setdefault(part[1:], len(self.names) + 1)}"
        elif kind == "numbered":
            self.highest = max(self.highest, int(part[1:]))
        if self.names and self.highest:
            raise ExpressionSyntaxError("Expected either :name or $1, but got both", offset, "Write :name")
        self.parts.append(part)

    def _check(self, kind: str, part: str, offset: int) -> None:
        if self._over:
            raise ExpressionSyntaxError(
                "Expected one statement, but there is another", offset, "Make it two activities"
            )
        if kind == "open":
            raise ExpressionSyntaxError(f"Expected {_OPEN[part]} of what begins here", offset)
        if not self.verb:
            self.verb = part.upper()
            if self.verb not in self._verbs:
                wanted = _all(sorted(self._verbs))
                message = f"Expected a statement that begins with {wanted}, but got {part!r:.40}"
                raise ExpressionSyntaxError(message, offset)


def check_names(names: Sequence[str], params: dict[str, Any]) -> None:
    """Raises ``ValueError`` unless ``params`` has a value for each of ``names``, and no other."""
    for name in names:
        if name not in params:
            raise ValueError(f"Expected a value for :{name}, but params has {_all(params) or 'none'}")
    for name in params:
        if name not in names:
            raise ValueError(f"The statement has no :{name}. {suggest(name, names, 'parameter')}".strip())


def check_count(highest: int, params: list[Any]) -> None:
    """Raises ``ValueError`` unless ``params`` has a value for each of ``$1`` to ``$highest``."""
    if len(params) != highest:
        wanted = "no values" if not highest else f"{highest} value{'' if highest == 1 else 's'}, for $1 to ${highest}"
        raise ValueError(f"Expected {wanted}, but params has {len(params)}")


def _all(names: Any) -> str:
    return ", ".join(names)


def _kind(value: Any) -> str:
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "a text")):
        if isinstance(value, kind):
            return name
    return f"{value!r:.40}"
