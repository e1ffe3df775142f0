"""``Flow``: one command moves one instance along.  What every activity and every decider uses to do so.

``ahead`` is the work that is left: (token, activity to enter), the oldest first; ``step.run`` works it off.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import or_
from typing import Any, Protocol

from streams.core.activities import Node, ServiceNode, SubprocessNode
from streams.core.activities.base import END_OF_BODY
from streams.core.durations import instant_text
from streams.core.expressions import MISSING
from streams.core.places import scope_of
from streams.core.process import Process
from streams.core.state import Instance
from streams.core.turn import Turn

WAITS = "\x00waits"
"""No activity has this id: the token waits, or is at its end."""

Work = tuple[str | None, str | None]
"""A token, and the activity that it enters next; ``None`` is the end of its body."""


class Emit(Protocol):
    """An event of the flow's instance, applied at once."""

    def __call__(
        self,
        event_type: str,
        data: dict[str, Any],
        activity_id: str | None = None,
        token: str | None = None,
        message: str | None = None,
    ) -> None: ...


@dataclass(slots=True)
class Flow:
    """``instance`` is what the turn's events change."""

    turn: Turn
    instance: Instance
    process: Process
    ahead: deque[Work] = field(default_factory=deque)
    emit: Emit = field(init=False)

    def __post_init__(self) -> None:
        self.emit = partial(self.turn.emit, self.instance)

    @property
    def now_ms(self) -> int:
        """Plant time, never earlier than the instance's last event."""
        return max(self.turn.now_ms, self.instance.updated_at)

    def go(self, token: str | None, activity_id: str | None) -> None:
        """Let ``token`` enter an activity, once those before it have come to their waits."""
        self.ahead.append((token, activity_id))

    def stand(self) -> None:
        """Have what is ahead wait for a ``continue``: the instance fails, and its tokens go on when it is retried.

        At the end of its body a token stands at ``END_OF_BODY``.
        """
        for token, activity_id in self.ahead:
            self.emit("yielded", {"execution": self.instance.steps}, activity_id or END_OF_BODY, token)
        self.ahead.clear()

    def begin(self, node: Node, kind: str, token: str | None) -> int:
        """Say that ``token`` enters an activity; returns the execution's number, which no other has."""
        execution = self.instance.steps + 1
        data: dict[str, Any] = {"activity_type": kind, "execution": execution}
        if node.limit_ms is not None:
            data["timeout_at"] = instant_text(self.now_ms + node.limit_ms)
        self.emit("activity_started", data, node.id, token)
        return execution

    def complete(
        self, node: ServiceNode | SubprocessNode, execution: int, output: dict[str, Any], token: str | None
    ) -> str | None:
        """The activity has its result: keep it; returns the next activity."""
        self.emit("activity_completed", {"execution": execution, "output": output}, node.id, token)
        self.store(node.output.of(output), token)
        return self.leave(node, execution, token)

    def leave(self, node: Node, execution: int, token: str | None) -> str | None:
        """The activity has completed: note that it can be undone.  Returns the next activity."""
        if node.compensation is not None:
            data: dict[str, Any] = {"execution": execution}
            if token is not None and (own := self._own(token)):
                data["variables"] = dict(reduce(or_, reversed(own)))
            self.emit("compensation_registered", data, node.id, token)
        return node.next

    def variables(self, token: str | None) -> Mapping[str, Any]:
        """The variables that ``token`` sees: the instance's, behind those of the branches that it is in."""
        if token is None or not (own := self._own(token)):
            return self.instance.variables
        return {**self.instance.variables, **(own[0] if len(own) == 1 else reduce(or_, reversed(own)))}

    def store(self, output: Mapping[str, Any], token: str | None, message: str | None = None) -> None:
        """Set variables, as the result of an activity: of the innermost branch that has some of its own."""
        home = None if token is None or not output else self._home(token)
        for name, value in output.items():
            self._set(name, value, None, home, message)

    def refresh(self, names: Iterable[str], token: str | None) -> None:
        """Let the live variables among ``names`` follow their source, before a step reads them.

        One whose field is not there, or null, stays as it was.
        Raises ``VariablesError`` for a reading that does not fit.
        """
        instance, process = self.instance, self.process
        if instance.key is None or not process.live_topics:
            return
        wanted = frozenset(names)
        hidden = () if token is None else frozenset(name for own in self._own(token) for name in own)
        for topic, variables in process.live_topics.items():
            if not any(name in wanted for name, _ in variables):
                continue
            reading = self.turn.around.latest(process.feed(topic, instance.key))
            if reading is None:
                continue
            for name, path in variables:
                if name in hidden or name not in wanted:
                    continue
                value = path.get(reading)
                if value is not MISSING and value is not None:
                    self._set(name, process.variables[name].checked(value), f"{topic}: {path.text}", None)

    def own_variables(self, token: str) -> dict[str, Any]:
        """What a branch has of its own."""
        scope_id, number = scope_of(token)
        return self.instance.scopes[scope_id].locals.get(number, {})

    def _own(self, token: str | None) -> list[dict[str, Any]]:
        """The variables of the branches that ``token`` is in, the innermost first."""
        found = []
        while token is not None:
            scope_id, number = scope_of(token)
            scope = self.instance.scopes[scope_id]
            if number in scope.locals:
                found.append(scope.locals[number])
            token = scope.token
        return found

    def _home(self, token: str | None) -> str | None:
        """The branch that keeps what ``token`` sets; ``None``: the instance does."""
        while token is not None:
            scope_id, number = scope_of(token)
            scope = self.instance.scopes[scope_id]
            if number in scope.locals:
                break
            token = scope.token
        return token

    def _set(self, name: str, value: Any, source: str | None, home: str | None, message: str | None = None) -> None:
        variables = self.instance.variables
        if home is not None:
            scope_id, number = scope_of(home)
            variables = self.instance.scopes[scope_id].locals[number]
        previous = variables.get(name, MISSING)
        if previous == value and _is_same(previous, value):
            return
        data: dict[str, Any] = {"name": name, "value": value}
        if previous is not MISSING:
            data["previous"] = previous
        if source is not None:
            data["source"] = source
        self.emit("variable_changed", data, token=home, message=message)


def _is_same(one: Any, other: Any) -> bool:
    """Of values that Python takes for equal: whether they are the same JSON.  True is no 1, wherever it stands."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return all(_is_same(value, other[key]) for key, value in one.items())
    return not isinstance(one, list) or all(map(_is_same, one, other))
