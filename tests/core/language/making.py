"""What all generators share: the thing being made, names, ways, and expressions by what they yield.

Ways lead forward most often, and sometimes back: what loops is for ``max_steps`` to end.  Variables hold what the
expressions expect most often, since their answers may bring anything.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

_T = TypeVar("_T")
MAX_NESTING = 2

VARIABLES: tuple[dict[str, Any], ...] = (
    {"name": "x", "source": "fields.x", "default": 1},
    {"name": "n", "value": 2, "type": "number"},
    {"name": "flag", "default": True},
    {"name": "text", "value": "a"},
    {"name": "rows", "value": [1, 2, 3]},
    {"name": "made"},
    {"name": "minutes", "value": 5, "type": "integer"},
)
NAMES = [str(one["name"]) for one in VARIABLES]
CONDITIONS = (
    "x > 1",
    "${x} <= 2 && text == 'a'",
    "flag",
    "n / x > 1",
    "size(rows) > 2",
    "rows[0] == 1",
    "made == null || x < 3",
    "text.startsWith('a')",
)
NUMBERS = ("x", "n + 1", "x / n", "size(rows)", "x * 2 - n")
LISTS = ("rows", "rows.filter(r, r > x)", "[x, n]", "made")
TEXTS = ("text", "a/${text}", "${x}", "x is ${x + 1}", "${made}")
JSONS: tuple[Any, ...] = ("${x}", {"x": "${x}", "list": ["${text}", 1]}, [1, "${n}"], 7, "plain", None)
PATHS = ("$", "x", "a.b", "$.rows[0]")
DURATIONS = ("1s", "5m", "2h")
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-3, 5), st.sampled_from([0.5, 2.5, 1e15]), st.sampled_from(["", "a", "b"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "a", "b"]), inner, max_size=2)
    ),
    max_leaves=4,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["x", "a", "rows", "text", "flag"]), ANYTHING, max_size=3
)


@dataclass
class Making:
    """A place in a definition where an activity is being made.

    ``earlier`` and ``later`` are the activities of its body; ``body`` makes one within it.
    """

    draw: st.DrawFn
    body: "Callable[[Making, int], list[dict[str, Any]]]"
    ids: "itertools.count[int]" = field(default_factory=itertools.count)
    earlier: Sequence[str] = ()
    later: Sequence[str] = ()
    depth: int = 0
    undoable: list[str] = field(default_factory=list)
    """Activities with a compensation."""

    @property
    def may_nest(self) -> bool:
        return self.depth < MAX_NESTING

    def one(self, choices: Sequence[_T]) -> _T:
        return self.draw(st.sampled_from(choices))

    def some(self, choices: Sequence[_T], at_most: int = 3) -> list[_T]:
        return self.draw(st.lists(st.sampled_from(choices), max_size=at_most, unique=True))

    def maybe(self) -> bool:
        return self.draw(st.booleans())

    def number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def way(self) -> str:
        """Where it goes on: one of those behind it or the end, and once in a while one before it."""
        back = self.earlier if self.number(0, 7) == 7 else ()
        return self.one([*self.later, "end", *back])

    def output(self) -> Any:
        return self.one(["made", {"made": self.one(PATHS), "x": "x"}, {"rows": "rows"}, {"text": "a"}])

    def within(self, most: int = 2) -> list[dict[str, Any]]:
        return self.body(self, self.number(1, most))
