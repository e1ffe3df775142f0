"""What the health checks share.

A check asks a service something that only a working one answers.  It returns a detail to show, and raises any exception
when the service is not (yet) healthy.  Each service's own check stands in its module.
"""

import asyncio
import socket
import urllib.request
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from streams import ready
from streams.ready import Reached

Check = Callable[[], str]
T = TypeVar("T")
TIMEOUT_S = 5.0


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a thread of its own: the caller may have an event loop, running or not."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def tcp(addresses: str) -> None:
    """Raise when no ``host:port`` of the comma-separated ones accepts a connection.

    A cheap first question: client libraries log at length about a server that is not there yet.
    """
    problem: OSError | None = None
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_S).close()
        except OSError as error:
            problem = error
        else:
            return
    raise problem or ValueError(f"Expected host:port, but got {addresses!r}")


def http(url: str) -> str:
    """The URL answers with a success status."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310  our own process on 127.0.0.1
        return f"HTTP {response.status}"


class NotReadyError(Exception):
    """The process has not said yet that it works.  ``reached``: how far it is, when it has said that."""

    def __init__(self, pid: int | None, reached: Reached | None) -> None:
        self.reached = reached
        at = f": it is at record {reached.done:,} of {reached.total:,} of its changelog" if reached else ""
        super().__init__(f"pid {pid} has not announced that it is ready{at}")


def announced(ready_file: Path, pid: int | None) -> str:
    """The process of that pid has written it to the file.  Raises ``NotReadyError``."""
    told = ready.told(ready_file, pid)
    if told is not True:
        raise NotReadyError(pid, told or None)
    return "ready"


def reading(reached: Reached) -> str:
    """What a process does that is so far."""
    return f"reading its changelog, {int(reached.share * 100)} %"


def words(error: BaseException) -> str:
    """An exception in one line for people."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
