"""One SQL statement whose values are parameters: ``$1`` and a list, or ``:name`` and an object.

PostgreSQL knows ``$1`` only; ``:name`` becomes that, wherever it is not within a text, a quoted name, a comment, a cast
(``::``) or ``:=`` (PostgreSQL 17, section 4.1).  Values never become part of the statement.

A slice has a colon as well (section 8.15.3): within ``[…]`` one that stands behind a value is the slice's, ``a[1:n]``,
and one that stands where a value begins is a parameter's: ``a[:n]``, ``a[1: :n]``, ``a[1:n+:m]``.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from streams.core.expressions import ExpressionSyntaxError
from streams.core.suggest import suggest

MAX_PARAMETERS = 1_000
_TOKEN = re.compile(
    r"""
      (?P<blank> \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<text> (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<dollar> (?<!\w)(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag) )
    | (?P<operator> ::|:= )
    | (?P<named> :[A-Za-z_]\w* )
    | (?P<numbered> (?<!\w)\$\d+ )
    | (?P<word> \w[\w$]* )
    | (?P<open> ['"] | (?<!\w)\$(?:[^\W\d]\w*)?\$ )
    | (?P<end> ; )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_CLOSING = {"(": ")", "[": "]"}
_OPEN = {"/*": "*/"}
_VALUES = frozenset({"text", "dollar", "named", "numbered", "word"})
_BEFORE_VALUES = frozenset({"AND", "OR", "NOT", "CASE", "WHEN", "THEN", "ELSE", "IN", "LIKE", "ILIKE", "BETWEEN"})
"""Words behind which a value begins."""


class Statement(NamedTuple):
    """``text`` has ``$n`` for every parameter; ``names`` are those of ``:name``, in the order of their numbers.

    ``highest`` is the largest ``$n`` that was written; ``verb`` the first word, in capitals.  ``bounds`` are words
    that stand behind a colon within ``[…]`` and are no parameters, ``elements`` the parameters that stand right behind
    a ``[``: what somebody may have meant otherwise.
    """

    text: str
    names: tuple[str, ...]
    highest: int
    verb: str
    bounds: frozenset[str] = frozenset()
    elements: frozenset[str] = frozenset()

    def arguments(self, params: Any) -> list[Any]:
        """The values of ``$1``, ``$2`` … out of ``params``.  Raises ``ValueError``."""
        if params is None:
            params = {} if self.names else []
        if self.names:
            if not isinstance(params, dict):
                raise ValueError(f"Expected an object with {_all(self.names)} as params, but got {_kind(params)}")
            self.check_names(params)
            return [params[name] for name in self.names]
        if isinstance(params, dict) and not self.highest:
            self.check_names(params)
            return []
        if not isinstance(params, list):
            raise ValueError(f"Expected a list with the values of $1, $2 … as params, but got {_kind(params)}")  # noqa: TRY004
        self.check_count(params)
        return params

    def check_names(self, params: dict[str, Any]) -> None:
        """Raises ``ValueError`` unless ``params`` has a value for each of the ``names``, and no other."""
        for name in self.names:
            if name not in params:
                fix = f". Write [: {name}] for a slice up to a column" if name in self.elements else ""
                raise ValueError(f"Expected a value for :{name}, but params has {_all(params) or 'none'}{fix}")
        for name in params:
            if name in self.names:
                continue
            if name in self.bounds:
                fix = f"Write [… : :{name}] for a parameter"
                raise ValueError(f"The statement has no :{name}, since a slice has a colon of its own. {fix}")
            raise ValueError(f"The statement has no :{name}. {suggest(name, self.names, 'parameter')}".strip())

    def check_count(self, params: list[Any]) -> None:
        """Raises ``ValueError`` unless ``params`` has a value for each of ``$1`` to the ``highest``."""
        most = self.highest
        if len(params) != most:
            wanted = "no values" if not most else f"{most} value{'' if most == 1 else 's'}, for $1 to ${most}"
            raise ValueError(f"Expected {wanted}, but params has {len(params)}")


def parse_statement(sql: str, verbs: Collection[str]) -> Statement:
    """Raises ``ExpressionSyntaxError`` with the offset of what is wrong; ``verbs`` are those that it may begin with."""
    if (mark := sql.find("${")) >= 0:
        fix = "Write :name instead, and name: ${…} under params"
        raise ExpressionSyntaxError("Expected SQL with its values as parameters, but got '${'", mark, fix)
    reader = _Reader(verbs)
    for token in _tokens(sql):
        reader.take(*token)
    if not reader.verb:
        raise ExpressionSyntaxError("Expected a statement, but it is empty", 0)
    if max(reader.highest, len(reader.names)) > MAX_PARAMETERS:
        raise ExpressionSyntaxError(f"Expected at most {MAX_PARAMETERS} parameters", 0)
    bounds, elements = frozenset(reader.bounds), frozenset(reader.elements)
    return Statement("".join(reader.parts), tuple(reader.names), reader.highest, reader.verb, bounds, elements)


def without_end(sql: str) -> str:
    """The statement, which ``parse_statement`` has taken, without the ``;`` behind it, to stand within another one."""
    return "".join(part for kind, part, _ in _tokens(sql) if kind != "end")


def _tokens(sql: str) -> Iterator[tuple[str, str, int]]:
    """(a group of ``_TOKEN``, the text, its offset), all of ``sql``."""
    at = 0
    while (found := _TOKEN.match(sql, at)) is not None:
        kind, end = found.lastgroup or "", found.end()
        if kind == "comment":
            kind, end = _comment(sql, end)
        yield kind, sql[at:end], at
        at = end


def _comment(sql: str, begun: int) -> tuple[str, int]:
    """What a comment is whose text begins there, and where it ends; comments may stand within comments."""
    depth = 1
    for mark in _COMMENT.finditer(sql, begun):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return "blank", mark.end()
    return "open", begun


class _Reader:
    """Takes one token after the other."""

    def __init__(self, verbs: Collection[str]) -> None:
        self._verbs = verbs
        self._over = False
        self._brackets: list[str] = []
        """What closes those that are open, the innermost last."""
        self._before = ""
        """The token before, where that is no value."""
        self.bounds: set[str] = set()
        self.elements: set[str] = set()
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
        if kind == "named" and self._is_slice():
            self.bounds.add(part[1:])
            self._before = ""
        elif kind == "named":
            if self._before == "[":
                self.elements.add(part[1:])
            self._before = ""
            part = f"${self.names.setdefault(part[1:], len(self.names) + 1)}"
        elif kind != "blank":
            self._note(kind, part)
        if self.names and self.highest:
            raise ExpressionSyntaxError("Expected either :name or $1, but got both", offset, "Write :name")
        self.parts.append(part)

    def _is_slice(self) -> bool:
        """Whether a colon that comes now is that of a slice."""
        return not self._before and self._brackets[-1:] == ["]"]

    def _note(self, kind: str, part: str) -> None:
        if kind == "numbered":
            self.highest = max(self.highest, int(part[1:]))
        if self._before == "::" and self._brackets[-1:] == ["]"]:
            self.bounds.add(part)
        if part in _CLOSING:
            self._brackets.append(_CLOSING[part])
        is_closing = self._brackets[-1:] == [part]
        if is_closing:
            self._brackets.pop()
        is_value = is_closing or (kind in _VALUES and part.upper() not in _BEFORE_VALUES)
        self._before = "" if is_value else part

    def _check(self, kind: str, part: str, offset: int) -> None:
        if self._over:
            raise ExpressionSyntaxError(
                "Expected one statement, but there is another", offset, "Make it two activities"
            )
        if kind == "open":
            raise ExpressionSyntaxError(f"Expected a closing {_OPEN.get(part, part)} of what begins here", offset)
        if not self.verb:
            self.verb = part.upper()
            if self.verb not in self._verbs:
                wanted = _all(sorted(self._verbs))
                message = f"Expected a statement that begins with {wanted}, but got {part!r:.40}"
                raise ExpressionSyntaxError(message, offset)


def _all(names: Any) -> str:
    return ", ".join(names)


def _kind(value: Any) -> str:
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "a text")):
        if isinstance(value, kind):
            return name
    return f"{value!r:.40}"
