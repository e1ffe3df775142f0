"""What of a definition the tests have run: its activities, and the ways that lead out of them.

| part                          | is covered when                    |
|-------------------------------|------------------------------------|
| `check`                       | it was entered                     |
| `check.true_path`             | the decision went there            |
| `route.cases[1]`, `.default`  | that case held, or none did        |
| `order.on_error.unavailable`  | an error of that type was caught   |
| `order.on_timeout`            | it took too long                   |
| `order.condition`             | it did not hold: `order` was skipped |

``start`` and ``end`` are no parts: everything passes them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streams.core.activities import Activity
from streams.core.activities.base import ANY_ERROR, Continuing, Guarded
from streams.core.activities.decision import Cases, Decision
from streams.core.definition import ProcessDefinition
from streams.core.events import Event
from streams.core.flow.errors import TIMEOUT

_PASSED = frozenset({"start", "end"})


@dataclass(slots=True)
class Coverage:
    """Of one definition: ``parts`` are all that there are, in its order, ``covered`` those that the tests have run."""

    definition: ProcessDefinition
    parts: tuple[str, ...] = ()
    covered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.parts = tuple(part for one in self.definition.all_activities() for part in parts_of(one))

    def add(self, events: Iterable[Event]) -> None:
        """Take in what a test has done."""
        activities = {one.id: one for one in self.definition.all_activities()}
        for event in events:
            if event.definition_id == self.definition.id and event.activity_id in activities:
                self.covered.update(_taken(activities[event.activity_id], event))

    @property
    def missing(self) -> list[str]:
        """The parts that no test has run."""
        return [part for part in self.parts if part not in self.covered]

    @property
    def percent(self) -> float:
        """From 0 to 100; 100 where there are no parts."""
        return 100.0 if not self.parts else 100.0 * (len(self.parts) - len(self.missing)) / len(self.parts)


def parts_of(one: Activity) -> Iterator[str]:
    """All that can be covered of an activity."""
    if one.type in _PASSED:
        return
    yield one.id
    if isinstance(one, Decision):
        yield from (f"{one.id}.true_path", f"{one.id}.false_path")
    if isinstance(one, Cases):
        yield from (f"{one.id}.cases[{number}]" for number in range(1, len(one.cases) + 1))
        yield f"{one.id}.default"
    if isinstance(one, Continuing) and one.condition is not None:
        yield f"{one.id}.condition"
    if isinstance(one, Continuing) and one.on_timeout is not None:
        yield f"{one.id}.on_timeout"
    if isinstance(one, Guarded):
        yield from (f"{one.id}.on_error.{kind}" for kind in one.on_error)


def _taken(one: Activity, event: Event) -> Iterator[str]:
    """The parts of an activity that an event shows."""
    data = event.data
    match event.type:
        case "activity_started":
            yield one.id
        case "activity_skipped":
            yield f"{one.id}.condition"
        case "decision_evaluated" if isinstance(one, Decision):
            yield f"{one.id}.{'true_path' if data['result'] else 'false_path'}"
        case "decision_evaluated":
            yield f"{one.id}.cases[{data['case']}]" if "case" in data else f"{one.id}.default"
        case "error_caught" if isinstance(one, Guarded):
            kind = data["error_type"]
            if kind == TIMEOUT and isinstance(one, Continuing) and one.on_timeout is not None:
                yield f"{one.id}.on_timeout"
            else:
                yield f"{one.id}.on_error.{kind if kind in one.on_error else ANY_ERROR}"
