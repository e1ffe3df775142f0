"""``replaced``: one name of production code stands for something else for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """``make`` is given what ``name`` of ``owner`` (a class or a module) is, and returns what it is meanwhile."""
    with patch.object(owner, name, make(getattr(owner, name))):
        yield
