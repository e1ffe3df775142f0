"""The cache of downloads and builds, shared by all homes of a user: ``WEIR_CACHE``, or ``~/.cache/weir``.

An entry is made under another name and renamed when it is whole: one that is there is whole.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weir.stack.errors import StackError


def cache_dir() -> Path:
    """Where the cache is; it need not be there yet."""
    configured = os.environ.get("WEIR_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "weir"


@contextmanager
def cache_lock() -> Iterator[Path]:
    """The cache's directory, made when it is not there; of two commands that would fill it, one waits."""
    cache = cache_dir()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "lock").open("w")
    except OSError as error:
        raise StackError(
            f"Expected to write the download cache {cache}, but got: {error}",
            "Set WEIR_CACHE to a directory of your own.",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache
