"""From entry points to registries: one function a group.  Whatever is wrong is told before anything runs."""

from collections.abc import Callable, Collection, Iterable
from importlib.metadata import EntryPoint
from typing import Any, get_args

from streams import timers
from streams.actions import ACTIONS as PERFORMERS
from streams.core import definition, step
from streams.core.actions import ACTIONS, ALIASES, SHORT, ActionConfig, ActionSpec
from streams.core.actions.failures import FAILURES
from streams.core.activities import KINDS, SERVICES, Activity, Kind, Node
from streams.core.activities.retry import EXPONENTIAL, POLICIES
from streams.core.activities.service import service_model
from streams.extensions import ExtensionError, title_of
from streams.extensions.offers import Action, ActivityKind


def register(points: Iterable[EntryPoint]) -> None:
    """Import and add them.  Raises ``ExtensionError``."""
    for point in points:
        REGISTER[point.group](point, _imported(point))
    definition.rebuild()


def _imported(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        raise ExtensionError(
            f"{title_of(point)}: Expected to import {point.value}, but got {type(error).__name__}: {error}. "
            "Repair the package, or uninstall it"
        ) from error


def _action(point: EntryPoint, offer: Any) -> None:
    _expect(point, offer, Action)
    spec = offer.spec
    if not isinstance(spec, ActionSpec) or not _is_model(spec.config, ActionConfig):
        _refuse(point, "an ActionSpec with a config that is an ActionConfig", repr(spec))
    if spec.inline:
        _refuse(point, "an action that a worker performs", "one that is inline")
    _expect_name(point, spec.name, [*ACTIONS, *ALIASES], "action")
    if taken := sorted(offer.failures.keys() & FAILURES.keys()):
        _refuse(point, "error types of its own", f"some that are there already: {', '.join(taken)}")
    ACTIONS[spec.name], PERFORMERS[spec.name] = spec, offer.performer
    FAILURES.update(offer.failures)
    SERVICES[spec.name] = service_model(spec)


def _activity(point: EntryPoint, offer: Any) -> None:
    _expect(point, offer, ActivityKind)
    if not isinstance(offer.kind, Kind) or not _is_model(offer.kind.model, Activity):
        _refuse(point, "a Kind with a model that is an Activity", repr(offer.kind))
    if not _is_model(offer.node, Node) or offer.node in step.ENTER:
        _refuse(point, "a Node of its own", repr(offer.node))
    if not callable(offer.enter):
        _refuse(point, "a function as 'enter'", repr(offer.enter))
    names = get_args(offer.kind.model.model_fields["type"].annotation)
    _expect_name(point, names[0] if len(names) == 1 else None, [*KINDS, *SHORT], "type of activity")
    KINDS[point.name], step.ENTER[offer.node] = offer.kind, offer.enter


def _policy(point: EntryPoint, offer: Any) -> None:
    _expect_function(point, offer)
    _expect_name(point, point.name, [EXPONENTIAL, *POLICIES], "retry policy")
    POLICIES[point.name] = offer


def _backend(point: EntryPoint, offer: Any) -> None:
    _expect_function(point, offer)
    _expect_name(point, point.name, timers.BACKENDS, "timer backend")
    timers.BACKENDS[point.name] = offer


REGISTER: dict[str, Callable[[EntryPoint, Any], None]] = {
    "weir.actions": _action,
    "weir.activities": _activity,
    "weir.retry_policies": _policy,
    "weir.timer_backends": _backend,
}


def _is_model(found: Any, wanted: type) -> bool:
    return isinstance(found, type) and issubclass(found, wanted)


def _expect(point: EntryPoint, offer: Any, wanted: type) -> None:
    if not isinstance(offer, wanted):
        _refuse(point, f"a streams.extensions.offers.{wanted.__name__}", f"{type(offer).__name__} in {point.value}")


def _expect_function(point: EntryPoint, offer: Any) -> None:
    if not callable(offer):
        _refuse(point, "a function", f"{type(offer).__name__} in {point.value}")


def _expect_name(point: EntryPoint, name: str | None, taken: Collection[str], what: str) -> None:
    """``name`` is what the offer calls itself."""
    if name != point.name:
        _refuse(point, f"the {what} {point.name!r}, as the entry point is named", repr(name))
    if name in taken:
        _refuse(point, "a name of its own", f"the {what} {name!r}, which is there already", "Choose another one")


def _refuse(point: EntryPoint, expected: str, got: str, fix: str = "Repair the package, or uninstall it") -> None:
    raise ExtensionError(f"{title_of(point)}: Expected {expected}, but got {got}. {fix}")
