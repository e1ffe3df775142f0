"""The embedded PostgreSQL with TimescaleDB: a private cluster, never the system's.

PostgreSQL refuses to run as root, so under root the server runs as the account ``postgres`` and the data directory belongs to
it.  It listens on 127.0.0.1 only and lets in one role, ``weir``, which owns its databases and may create more but is no
superuser: trust on the loopback address then gives no local user the server's account.  The superuser has no way in over
the network; the role and the database are made in single-user mode.
"""

import os
import secrets
import signal
import subprocess
from pathlib import Path

import asyncpg
import psutil

from weir.stack import checks
from weir.stack.errors import StackError
from weir.stack.ports import LOCALHOST, Ports
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress

NAME = "postgres"
ROLE = DATABASE = "weir"
ACCOUNT = "postgres"
ELSEWHERE = Path("/var/lib/weir")

SETTINGS = {
    "listen_addresses": LOCALHOST,
    "unix_socket_directories": "",      # a socket's path may have 107 bytes, a home's more; nothing here needs one
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "4",
    "max_worker_processes": "12",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2s",
}
# For tests. No background workers: TimescaleDB's scheduler sits in every database and is in the way of copying and dropping.
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timescaledb.max_background_workers": "0",
}
HBA = f"host all {ROLE} {LOCALHOST}/32 trust\n"
BOOTSTRAP = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n"


def database_url(ports: Ports) -> str:
    return f"postgresql://{ROLE}@{LOCALHOST}:{ports.postgres}/{DATABASE}"


def cluster_major(home: Path) -> int | None:
    """The major version of the home's cluster, ``None`` when there is none yet."""
    try:
        return int((home / NAME / "data" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def prepare(home: Path, bin_dir: Path, ports: Ports, *, durable: bool, progress: Progress) -> ProcessSpec:
    """Create the cluster when it is new, and tell how to start the server."""
    account = ACCOUNT if os.geteuid() == 0 else None
    directory = _directory(home, account)
    data = directory / "data"
    if not (data / "PG_VERSION").exists():
        progress("creating the database cluster", None)
        _create(directory, bin_dir, account)
    hba = directory / "hba.conf"
    hba.write_text(HBA)
    _drop_stale_pid_file(data)
    settings = {**SETTINGS, **({} if durable else NOT_DURABLE), "port": str(ports.postgres), "hba_file": str(hba)}
    options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return ProcessSpec(
        name=NAME,
        argv=(str(bin_dir / "postgres"), "-D", str(data), *options),
        env={"LC_ALL": "C.UTF-8"},
        cwd=directory,
        port=ports.postgres,
        url=database_url(ports),
        ready=lambda: _extended(ports),
        ready_timeout_s=120.0,      # crash recovery replays the write-ahead log
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
        stop_timeout_s=60.0,
        user=account,
    )


def check(ports: Ports) -> str:
    checks.tcp(ports.postgres)
    return checks.postgres(database_url(ports))


def _extended(ports: Ports) -> str:
    """The check at the start: also gives a new database its extension, and an old one the installed version of it."""
    checks.tcp(ports.postgres)

    async def extend() -> None:
        connection = await asyncpg.connect(database_url(ports), timeout=checks.TIMEOUT_S)
        try:
            await connection.execute("set client_min_messages = error")
            await connection.execute("create extension if not exists timescaledb")
        finally:
            await connection.close()

    checks.run_async(extend())
    return checks.postgres(database_url(ports))


def _directory(home: Path, account: str | None) -> Path:
    """``<home>/postgres``: a directory, or a link to one elsewhere when the account cannot reach the home (as under /root)."""
    directory = home / NAME
    if directory.is_dir():
        return directory.resolve()
    directory.unlink(missing_ok=True)   # a link to nothing
    if account is None or _reaches(home, account):
        directory.mkdir(mode=0o755)
        return directory
    elsewhere = ELSEWHERE / secrets.token_hex(6)
    elsewhere.mkdir(mode=0o755, parents=True)
    (elsewhere / "home").write_text(f"{home}\n")
    directory.symlink_to(elsewhere)
    return elsewhere


def _reaches(directory: Path, account: str) -> bool:
    result = subprocess.run(  # noqa: S603
        ["/usr/bin/test", "-x", str(directory)], user=account, group=account, extra_groups=[], check=False, cwd="/"
    )
    return result.returncode == 0


def _create(directory: Path, bin_dir: Path, account: str | None) -> None:
    """initdb into a scratch name, role and database, then rename: a cluster that is there is a whole one."""
    data, scratch = directory / "data", directory / "data.new"
    if scratch.exists():
        _run(["/bin/rm", "-rf", str(scratch)], account, directory)
    scratch.mkdir(mode=0o700)
    if account is not None:
        import shutil

        shutil.chown(scratch, account, account)
    _run(
        [str(bin_dir / "initdb"), "-D", str(scratch), "-U", "postgres", "-A", "reject", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"],
        account,
        directory,
    )
    _run([str(bin_dir / "postgres"), "--single", "-D", str(scratch), "postgres"], account, directory, BOOTSTRAP)
    scratch.rename(data)


def _run(argv: list[str], account: str | None, directory: Path, stdin: str = "") -> None:
    result = subprocess.run(  # noqa: S603  our own commands, no shell
        argv,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        user=account,
        group=account,
        extra_groups=[] if account else None,
    )
    if result.returncode != 0 or "ERROR:" in result.stderr or "FATAL:" in result.stderr:
        raise StackError(
            f"Expected {argv[0]} to succeed in {directory}, but it failed:\n{result.stdout}{result.stderr}".rstrip(),
            f"The lines above say why. The directory {directory} holds nothing but the cluster that was being made.",
        )


def _drop_stale_pid_file(data: Path) -> None:
    """Remove ``postmaster.pid`` after a crash when its pid now belongs to something else, which PostgreSQL cannot tell."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return
    try:
        if "postgres" in psutil.Process(pid).name():
            return
    except psutil.NoSuchProcess:
        return      # PostgreSQL sees that by itself
    pid_file.unlink()
