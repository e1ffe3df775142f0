"""``weir logs [NAME]``: what the services and roles have to say."""

import os
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from weir.cli.errors import CliError
from weir.cli.session import session_of

POLL_S = 0.2


def logs(
    ctx: typer.Context,
    *,
    name: Annotated[
        str | None, typer.Argument(help="A service or role; all of them by default.", show_default=False)
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
) -> None:
    """Show the logs of services and roles: the last lines of each, or all that comes."""
    directory = session_of(ctx).stack.log_path("any").parent
    known = {path.stem: path for path in sorted(directory.glob("*.log"))}
    if name is not None and name not in known:
        there = f"There are logs of: {', '.join(known)}." if known else "Nothing was started here yet: `weir up`."
        raise CliError(f"There is no log of {name!r} in {directory}.", there, reason="unknown_name")
    if not known:
        raise CliError(
            f"There are no logs in {directory}.", "Nothing was started here yet: `weir up`.", reason="no_logs"
        )
    chosen = known if name is None else {name: known[name]}
    width = max(map(len, chosen))
    with ExitStack() as stack:
        tails = [Tail(path, "" if name else f"{one:{width}} | ") for one, path in chosen.items()]
        for tail in tails:
            stack.callback(tail.close)
            tail.last(lines)
        while follow:
            if not any([tail.more() for tail in tails]):  # noqa: C419  # every tail is asked
                time.sleep(POLL_S)


class Tail:
    """The end of one log file, each line with a prefix."""

    def __init__(self, path: Path, prefix: str) -> None:
        self._path = path
        self._prefix = prefix
        self._file: BinaryIO = path.open("rb")
        self._rest = b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def last(self, count: int) -> None:
        """Print the last ``count`` lines; what comes next is ``more``."""
        for line in deque(self._file, maxlen=count):
            self._print(line)

    def more(self) -> bool:
        """Print the whole lines that were added; whether there were any.  A log that was put aside is followed anew."""
        added = self._file.read()
        if not added:
            if os.fstat(self._file.fileno()).st_size < self._file.tell():
                self._file.seek(0)
            return False
        *whole, self._rest = (self._rest + added).split(b"\n")
        for line in whole:
            self._print(line)
        return True

    def _print(self, line: bytes) -> None:
        typer.echo(self._prefix + line.decode(errors="replace").rstrip("\n"))
