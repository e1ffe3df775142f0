"""PostgreSQL's programs with the TimescaleDB extension: found on the machine, or installed by a script."""

import os
import re
import subprocess
from pathlib import Path

from weir.stack.errors import StackError
from weir.stack.progress import Progress

SCRIPT = Path(__file__).with_name("setup-timescaledb.sh")
PACKAGES = Path("/usr/lib/postgresql")  # Debian's place: one directory a major version
MAKE_PERCENT = re.compile(r"^\[ *(\d+)%\]")
STEP = re.compile(r"^\[timescaledb\] (?!ERROR)(.*)")
LINES_IN_ERROR = 20


def ensure_timescaledb(log: Path, major: int | None, progress: Progress) -> Path:
    """The directory of PostgreSQL's programs; installs what is missing when this is root.

    ``major`` is the version that an existing cluster needs, ``None`` for any.  The script's output goes to ``log``.
    """
    found = find_timescaledb(major)
    if found is not None:
        return found
    wanted = f"PostgreSQL {major}" if major is not None else "PostgreSQL"
    own_database = "Or use a database of your own that has TimescaleDB: DATABASE_URL=postgresql://user@host:port/name"
    if os.geteuid() != 0:
        variable = f"PG_MAJOR={major} " if major is not None else ""
        raise StackError(
            f"Expected {wanted} with TimescaleDB on this machine, but there is none, and to install it needs root.",
            f"Install it once, as root:\n    sudo {variable}bash {SCRIPT}\n{own_database}",
        )
    environ = {**os.environ, **({"PG_MAJOR": str(major)} if major is not None else {})}
    lines = _run_script(log, environ, progress)
    found = find_timescaledb(major)
    if found is None:
        raise StackError(
            f"Expected {wanted} with TimescaleDB after {SCRIPT}, but it failed:\n" + "\n".join(lines[-LINES_IN_ERROR:]),
            f"The whole output is in {log}. When the cause is gone, `weir up` tries again.\n{own_database}",
        )
    return found


def find_timescaledb(major: int | None) -> Path | None:
    """The programs of the newest PostgreSQL on this machine (or of that major version) that has TimescaleDB."""
    servers = {int(path.parts[-3]): path.parent for path in PACKAGES.glob("[0-9]*/bin/postgres")}
    for version in sorted(servers, reverse=True):
        if major in (None, version) and (servers[version].parent / "lib" / "timescaledb.so").exists():
            return servers[version]
    return None


def is_community(bin_dir: Path) -> bool:
    """Whether that PostgreSQL has the edition with compression, continuous aggregates and background jobs."""
    return any((bin_dir.parent / "lib").glob("timescaledb-tsl-*.so"))


def _run_script(log: Path, environ: dict[str, str], progress: Progress) -> list[str]:
    """Run the installation, report its steps and the build's percentage; returns its output."""
    lines: list[str] = []
    step = "installing TimescaleDB"
    progress(step, None)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a") as file,
        subprocess.Popen(  # noqa: S603  our own script
            ["/bin/bash", str(SCRIPT)], env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
        ) as script,
    ):  # fmt: skip
        assert script.stdout is not None
        for line in script.stdout:
            file.write(line)
            file.flush()
            lines.append(line.rstrip())
            if named := STEP.match(line):
                step = named[1]
                progress(step, None)
            elif percent := MAKE_PERCENT.match(line):
                progress(step, int(percent[1]) / 100)
    return lines
