"""Activities within activities: branches, bodies of loops, compensations."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.core.activities import Activity

Path = tuple[str, ...]


def bodies(activity: Activity) -> Iterator[tuple[Path, tuple[Activity, ...]]]:
    """The lists of activities within an activity, each with where it stands: ``("branches", "pump")``."""
    for name in type(activity).model_fields:
        value = getattr(activity, name)
        if _is_body(value):
            yield (name,), value
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if _is_body(item):
                    yield (name, str(key)), item


def every_activity(body: Iterable[Any]) -> Iterator[Activity]:
    """The activities of a body and of all bodies within."""
    for activity in body:
        yield activity
        for _, inner in bodies(activity):
            yield from every_activity(inner)


def _is_body(value: Any) -> bool:
    return isinstance(value, tuple | list) and bool(value) and all(isinstance(one, Activity) for one in value)
