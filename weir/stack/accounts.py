"""Accounts and owners of directories: who a service runs as, and whether it may use its files."""

import os
import pwd
import subprocess
from pathlib import Path

from weir.stack.errors import StackError


def run_options(account: str | None) -> dict[str, object]:
    """Keyword arguments of ``subprocess`` that run a child as that account; none for the caller's own."""
    if account is None:
        return {}
    entry = lookup(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def lookup(account: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(account)
    except KeyError:
        raise StackError(
            f"Expected the account {account!r} on this machine (PostgreSQL refuses to run as root), but there is none.",
            f"Make it: useradd --system --shell /usr/sbin/nologin {account}",
        ) from None


def reaches(account: str, directory: Path) -> bool:
    """Whether that account may enter the directory and all those above it.  For a caller that is root."""
    result = subprocess.run(  # noqa: S603  a fixed program, no shell
        ["/usr/bin/test", "-x", str(directory)],
        check=False,
        cwd="/",
        **run_options(account),  # type: ignore[call-overload]
    )
    return bool(result.returncode == 0)


def check_owner(path: Path, account: str | None = None) -> None:
    """Raise a ``StackError`` when the path is there and belongs to another than that account (else the caller)."""
    try:
        owner = path.stat().st_uid
    except FileNotFoundError:
        return
    expected = os.geteuid() if account is None else lookup(account).pw_uid
    if owner != expected:
        raise StackError(
            f"Expected {path} to belong to {_name(expected)}, but it belongs to {_name(owner)}.",
            f"Run weir as {_name(owner)}, choose another home (WEIR_HOME), or: sudo chown -R {_name(expected)} {path}",
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
