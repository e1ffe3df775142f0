"""Extension without a fork: a package of yours that is installed beside Weir adds to its registries by entry points.

    [project.entry-points."weir.actions"]          # streams.extensions.offers.Action
    [project.entry-points."weir.activities"]       # streams.extensions.offers.ActivityKind
    [project.entry-points."weir.retry_policies"]   # (attempt, error_type, chance) -> ms | None
    [project.entry-points."weir.timer_backends"]   # () -> streams.timers.TimerBackend

``load`` is called once, where a process begins: ``weir.role`` and ``weir.cli.main``.  Install the same extensions for
every role: a processor without an activity that a definition names cannot run it.  ``tests/extension`` is an example.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from streams.refused import RefusedError

GROUPS = ("weir.actions", "weir.activities", "weir.retry_policies", "weir.timer_backends")

_loaded: set[EntryPoint] = set()


class ExtensionError(RefusedError):
    """An extension cannot be used; the message names it, what is wrong and the fix."""


def installed() -> list[EntryPoint]:
    """The entry points of all packages that are installed, in an order that is always the same."""
    found = {point for group in GROUPS for point in entry_points(group=group)}
    return sorted(found, key=lambda one: (GROUPS.index(one.group), one.name, one.value))


def load(points: Iterable[EntryPoint] | None = None) -> None:
    """Add what the extensions offer to the registries; what was added before is left.  Raises ``ExtensionError``."""
    new = [point for point in (installed() if points is None else points) if point not in _loaded]
    if not new:
        return
    from streams.extensions.registering import register  # noqa: PLC0415  a role without extensions loads nothing more

    register(new)
    _loaded.update(new)


def title_of(point: EntryPoint) -> str:
    """An extension as messages name it."""
    package = "" if point.dist is None else f" of {point.dist.name} {point.dist.version}"
    return f"Extension {point.name!r}{package} ({point.group})"
