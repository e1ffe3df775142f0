"""Bugs in the router."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.routing import Router
from tests.mutations.replacing import replaced


@contextmanager
def skip_the_last_reading() -> Iterator[None]:
    """The last reading of a batch of several is not looked at."""

    def short(original: Any) -> Any:
        def route(self: Any, topic: str, partition: int, records: Any, now_ms: float) -> Any:
            return original(self, topic, partition, records[:-1] if len(records) > 1 else records, now_ms)

        return route

    with replaced(Router, "route", short):
        yield


@contextmanager
def route_the_last_reading_again() -> Iterator[None]:
    """A batch begins with the last reading of the one before."""

    def again(original: Any) -> Any:
        last: dict[tuple[str, int], Any] = {}

        def route(self: Any, topic: str, partition: int, records: Any, now_ms: float) -> Any:
            before = last.get((topic, partition))
            if records:
                last[topic, partition] = records[-1]
            more = [*([] if before is None else [before]), *records]
            return original(self, topic, partition, more, now_ms)

        return route

    with replaced(Router, "route", again):
        yield
