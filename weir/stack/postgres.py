"""The embedded PostgreSQL with TimescaleDB: a private cluster, never the system's.

PostgreSQL refuses to run as root, so under root the server runs as the account ``postgres``, which owns the data.
It listens on 127.0.0.1 only and lets in one role, ``weir``, which owns its databases and may create more but is no
superuser: trust on the loopback address then gives no local user the server's account.  The superuser has no way in at
all; the role and the database are made in single-user mode.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import asyncpg
import psutil

from streams.refusals import refusal
from streams.refused import RefusedError
from weir.stack import checks
from weir.stack.accounts import lookup, reaches, run_options
from weir.stack.checks import TIMEOUT_S
from weir.stack.errors import StackError
from weir.stack.ports import LOCALHOST, Ports
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress
from weir.stack.timescaledb import is_community

NAME = "postgres"
ROLE = DATABASE = "weir"
ACCOUNT = "postgres"
ELSEWHERE = Path("/var/lib/weir")
DEFAULT_PORT = 5432
CHILDREN_TIMEOUT_S = 15.0

SETTINGS = {
    "listen_addresses": LOCALHOST,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes, a home's more; nothing here needs one
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "0",
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
# max_background_workers: the Apache edition has no jobs to run but one, which fails for want of a licence.  And the
# scheduler would sit in every database, in the way of copying and dropping it.
COMMUNITY = {"timescaledb.max_background_workers": "4"}
# A commit still reaches the kernel before it is acknowledged (synchronous_commit): the server's own death loses none.
STATEMENTS = "pg_stat_statements"
"""PostgreSQL's own count of statements and their time; some packages are without it."""
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}
HBA = f"host all {ROLE} {LOCALHOST}/32 trust\n"
TEMPLATE = "CREATE EXTENSION pg_stat_statements;\n"
"""Only a superuser may: so every database is made with it."""
BOOTSTRAP = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n"


def database_url(ports: Ports) -> str:
    return f"postgresql://{ROLE}@{LOCALHOST}:{ports.postgres}/{DATABASE}"


def account() -> str | None:
    """Who the server runs as; ``None``: the caller."""
    return ACCOUNT if os.geteuid() == 0 else None


def cluster_major(home: Path) -> int | None:
    """The major version of the home's cluster, ``None`` when there is none yet."""
    try:
        return int((home / NAME / "data" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def prepare(
    home: Path,
    bin_dir: Path,
    ports: Ports,
    *,
    durable: bool,
    progress: Progress,
    more: Mapping[str, str] = MappingProxyType({}),
) -> ProcessSpec:
    """Create the cluster when it is new, and tell how to start the server; ``more`` are further settings of it."""
    directory = _directory(home)
    data = directory / "data"
    if not data.exists():
        progress("creating the database cluster", None)
        _create(directory, bin_dir)
    hba = directory / "hba.conf"
    hba.write_text(HBA)
    settle(home)
    settings = SETTINGS | {"port": str(ports.postgres), "hba_file": str(hba)}
    if not durable:
        settings |= NOT_DURABLE
    elif is_community(bin_dir):
        settings |= COMMUNITY
    if _counts_statements(bin_dir):
        settings |= {"shared_preload_libraries": f"{SETTINGS['shared_preload_libraries']},{STATEMENTS}"}
    settings |= more
    options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return ProcessSpec(
        name=NAME,
        argv=(str(bin_dir / "postgres"), "-D", str(data), *options),
        env={"LC_ALL": "C.UTF-8"},
        cwd=directory,
        port=ports.postgres,
        url=database_url(ports),
        ready=lambda: _check_extended(database_url(ports)),
        ready_timeout_s=120.0,  # crash recovery replays the write-ahead log
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
        stop_timeout_s=60.0,
        account=account(),
        kept=True,
    )


def check(url: str) -> str:
    """The database answers and has the TimescaleDB extension."""

    async def ask() -> str:
        try:
            connection = await asyncpg.connect(url, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S)
        except (OSError, asyncpg.PostgresError, asyncpg.exceptions.ClientConfigurationError) as error:
            if (refused := refusal(error, url)) is not None:
                raise RefusedError(refused) from None
            raise
        try:
            version = await connection.fetchval("show server_version")
            extension = await connection.fetchval("select extversion from pg_extension where extname = 'timescaledb'")
        finally:
            await connection.close()
        if extension is None:
            raise LookupError("Expected the extension timescaledb in the database, but it is not there")
        return f"PostgreSQL {version.split()[0]}, TimescaleDB {extension}"

    _check_port(url)
    return checks.run_async(asyncio.wait_for(ask(), 2 * TIMEOUT_S))


def _check_extended(url: str) -> str:
    """The check at the start, which also gives a new database its extension."""

    async def extend() -> None:
        connection = await asyncpg.connect(url, timeout=TIMEOUT_S)
        try:
            await connection.execute("set client_min_messages = error")  # it prints a banner
            await connection.execute("create extension if not exists timescaledb")
        finally:
            await connection.close()

    _check_port(url)
    checks.run_async(extend())
    return check(url)


def _check_port(url: str) -> None:
    parts = urlsplit(url)
    if parts.hostname is not None:  # else a socket, which asyncpg looks for
        checks.tcp(f"{parts.hostname}:{parts.port or DEFAULT_PORT}")


def _directory(home: Path) -> Path:
    """``<home>/postgres``: a directory, or a link to one when the account cannot reach the home (as under /root)."""
    directory = home / NAME
    if directory.is_dir():
        return directory.resolve()
    directory.unlink(missing_ok=True)  # a link to nothing
    server = account()
    if server is None or reaches(server, home):
        directory.mkdir(mode=0o755)
        return directory
    elsewhere = ELSEWHERE / secrets.token_hex(6)
    elsewhere.mkdir(mode=0o755, parents=True)
    (elsewhere / "home").write_text(f"{home}\n")
    directory.symlink_to(elsewhere)
    return elsewhere


def _create(directory: Path, bin_dir: Path) -> None:
    """Make the cluster, its role and its database under another name, then rename: a cluster that is there is whole."""
    scratch = directory / "data.new"
    if scratch.exists():
        shutil.rmtree(scratch)
    scratch.mkdir(mode=0o700)
    server = account()
    if server is not None:
        entry = lookup(server)
        os.chown(scratch, entry.pw_uid, entry.pw_gid)
    options = ("-U", "postgres", "-A", "reject", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums")
    _run((str(bin_dir / "initdb"), "-D", str(scratch), *options), directory)
    single = (str(bin_dir / "postgres"), "--single", "-D", str(scratch))
    if _counts_statements(bin_dir):
        _run((*single, "template1"), directory, TEMPLATE)
    _run((*single, "postgres"), directory, BOOTSTRAP)
    scratch.rename(directory / "data")


def _counts_statements(bin_dir: Path) -> bool:
    return any((bin_dir.parent / "lib").rglob(f"{STATEMENTS}.so"))


def _run(argv: tuple[str, ...], directory: Path, stdin: str = "") -> None:
    result = subprocess.run(  # noqa: S603  our own commands, no shell
        argv,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        **run_options(account()),  # type: ignore[call-overload]
    )
    if result.returncode != 0 or "ERROR:" in result.stderr:  # single-user mode goes on, and succeeds, after an error
        raise StackError(
            f"Expected {argv[0]} to succeed in {directory}, but it failed:\n{result.stdout}{result.stderr}".rstrip(),
            f"The lines above say why. When the cause is gone, `weir up` makes {directory / 'data'} afresh.",
        )


def settle(home: Path) -> None:
    """After a crash: wait for the server's last children, and remove a ``postmaster.pid`` that it would believe.

    It takes any process of its own account with the pid in that file for a running server, a zombie too.  The file is
    also its guard against children that still write, so it goes only when there are none.
    """
    data = _directory(home) / "data"
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return
    with suppress(psutil.NoSuchProcess):  # a zombie counts as none
        if str(data) in psutil.Process(pid).cmdline():
            return  # it runs
    deadline = time.monotonic() + CHILDREN_TIMEOUT_S
    while children := _working_in(data):
        if time.monotonic() > deadline:
            raise StackError(
                f"Expected the processes of the crashed database server to end, but {children} still work in {data}.",
                f"End them: kill {' '.join(map(str, children))}",
            )
        time.sleep(0.05)
    if psutil.pid_exists(pid):
        pid_file.unlink()


def _working_in(directory: Path) -> list[int]:
    """Pids of the processes whose current directory it is: that of a database server's is the data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(directory):
                found.append(process.pid)
        except psutil.Error:
            continue  # ended meanwhile, or another user's
    return found
