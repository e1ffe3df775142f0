"""Who deploys, and from which commit: what the deployment's event tells later."""

import getpass
import shutil
import subprocess
from functools import cache
from pathlib import Path

from streams.core.commands import Origin

TIMEOUT_S = 10.0
MAX_TEXT = 1_000


def origin_of(place: Path | None = None, *, template: str | None = None) -> Origin:
    """What is known: the user; and of a file or folder in a Git repository, where it stands there, and the last commit.

    Without Git, or outside of a repository, that is left out.
    """
    by = _user()
    if place is None:
        return Origin(by=by, template=template)
    folder = place.resolve() if place.is_dir() else place.resolve().parent
    root = _root(folder)
    if root is None:
        return Origin(by=by, path=str(place)[:MAX_TEXT], template=template)
    commit, _, author = (_git(folder, "log", "-1", "--format=%H %an <%ae>") or "").partition(" ")
    return Origin(
        by=by,
        path=str(place.resolve().relative_to(root))[:MAX_TEXT],
        commit=commit or None,
        author=author[:MAX_TEXT] or None,
        dirty=bool(_git(folder, "status", "--porcelain", "--", str(place.resolve()))),
        template=template,
    )


def _user() -> str | None:
    try:
        return getpass.getuser()[:MAX_TEXT]
    except (KeyError, OSError):  # a container's user may have no name
        return None


def _root(folder: Path) -> Path | None:
    found = _git(folder, "rev-parse", "--show-toplevel")
    return Path(found).resolve() if found else None


def _git(folder: Path, *arguments: str) -> str | None:
    """What Git says, or ``None`` where there is none, or it is no repository."""
    program = _program()
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  the arguments are ours, and a file's name behind --
            [program, "-C", str(folder), *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def _program() -> str | None:
    return shutil.which("git")
