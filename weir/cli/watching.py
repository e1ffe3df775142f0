"""Looking again whenever files change: the system tells of changes, and none is missed.

A change may come before the system is asked to tell of it, and some file systems tell of none.  So what is compared are
the files themselves, at each word of a change and every ``LOOKS_ITSELF_S``.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

from watchfiles import watch

LOOKS_ITSELF_S = 1
_Stamp = dict[Path, tuple[int, int, int]]


def whenever_changed(paths: list[Path], files: Callable[[], Iterable[Path]], look: Callable[[], None]) -> None:
    """Call ``look`` now, and after each change of one of the ``files`` within ``paths``, until interrupted."""
    folders = {path if path.is_dir() else path.parent for path in paths}
    changes = watch(
        *folders,
        recursive=any(path.is_dir() for path in paths),
        rust_timeout=LOOKS_ITSELF_S * 1000,
        yield_on_timeout=True,
        debounce=200,
    )
    seen: _Stamp | None = None
    for _ in chain([set()], changes):
        stamp = {file: found for file in files() if (found := _stamp(file)) is not None}
        if stamp != seen:
            seen = stamp
            look()


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What changes with a file's content: an editor may write it anew, beside the old one."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
