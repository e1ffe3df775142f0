"""Appliers of branches: their beginning and their end, within the scope of the activity that owns them."""

from typing import Any

from streams.core.events import Event
from streams.core.places import scope_of
from streams.core.state import Compensation, Instance, Scope


def branches_started(state: Instance, event: Event) -> None:
    """All branches of a parallel begin."""
    assert event.activity_id is not None
    data = event.data
    numbers = list(range(1, len(data["branches"]) + 1))
    scope = Scope("parallel", event.activity_id, event.token, data["join"], numbers)
    state.scopes[str(data["execution"])] = scope


def branch_completed(state: Instance, event: Event) -> None:
    """The branch that the token names is at its end."""
    scope, number = _branch(state, event)
    scope.open.remove(number)
    scope.locals.pop(number, None)
    scope.done += 1


def items_started(state: Instance, event: Event) -> None:
    """The items of a foreach are known; each begins by an event of its own."""
    assert event.activity_id is not None
    data = event.data
    items: list[Any] = data["items"]
    state.scopes[str(data["execution"])] = Scope(
        "foreach",
        event.activity_id,
        event.token,
        join=len(items),
        items=items,
        item=data["as"],
        index=data.get("index"),
        results=[None] * len(items) if data.get("collect") else None,
    )


def item_started(state: Instance, event: Event) -> None:
    """An item begins, with variables of its own."""
    scope, number = _branch(state, event)
    scope.begun = number
    scope.open.append(number)
    own = {} if scope.item is None else {scope.item: scope.items[number - 1]}
    if scope.index is not None:
        own[scope.index] = number - 1
    scope.locals[number] = own


def item_completed(state: Instance, event: Event) -> None:
    """An item is at its end, and its variables are gone but for its result."""
    _, number = scope_of(event.token or "")
    scope, _ = _branch(state, event)
    branch_completed(state, event)
    if scope.results is not None:
        scope.results[number - 1] = event.data.get("result")


def compensation_registered(state: Instance, event: Event) -> None:
    """An activity has completed that can be undone."""
    assert event.activity_id is not None
    data = event.data
    own = dict(data["variables"]) if "variables" in data else None
    one = Compensation(event.activity_id, data["execution"], event.token, own)
    state.compensations.append(one)


def compensations_started(state: Instance, event: Event) -> None:
    """It is known what a compensate undoes: executions, the last one first."""
    assert event.activity_id is not None
    data = event.data
    items = list(reversed(data["executions"]))
    scope = Scope("compensate", event.activity_id, event.token, join=len(items), items=items)
    state.scopes[str(data["execution"])] = scope


def compensation_started(state: Instance, event: Event) -> None:
    """One of them begins, with the variables that its branch had of its own."""
    scope, number = _branch(state, event)
    at = completed_at(state.compensations, scope.items.pop())
    one = state.compensations.pop(at)
    scope.begun = number
    scope.open.append(number)
    if one.variables is not None:
        scope.locals[number] = one.variables


def completed_at(compensations: list[Compensation], execution: int) -> int:
    """Where the execution stands: near the end, since what has completed last is undone first."""
    return next(at for at in range(len(compensations) - 1, -1, -1) if compensations[at].execution == execution)


def _branch(state: Instance, event: Event) -> tuple[Scope, int]:
    scope_id, number = scope_of(event.token or "")
    return state.scopes[scope_id], number
