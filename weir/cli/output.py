"""What a command says: tables for people, one JSON document for programs, progress on stderr."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from weir.stack.progress import Progress as ProgressFunction

PIPE_WIDTH = 200
STATUS_STYLES = {
    "running": "green",
    "completed": "dim",
    "deployed": "green",
    "valid": "green",
    "failed": "bold red",
    "refused": "bold red",
    "invalid": "bold red",
    "dead": "bold red",
    "unhealthy": "bold red",
    "cancelled": "yellow",
    "stopped": "dim",
}


def out() -> Console:
    """The console for answers.  Made at each use, since tests replace ``sys.stdout``."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def err() -> Console:
    """The console for everything that is not the answer."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """One JSON document on one line.  Dates are RFC 3339, UUIDs text."""
    typer.echo(orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """A table for people, or the sentence ``empty`` when there is no row."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*map(cell, row))
    if table.row_count:
        out().print(table)
    else:
        out().print(empty)


def cell(value: Any) -> Text:
    """A value as people read it; a status in its colour."""
    if value is None:
        return Text("")
    if isinstance(value, datetime):
        return Text(moment(value))
    if isinstance(value, float):
        return Text(f"{value:.1f}", justify="right")
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(str(value), justify="right")
    text = str(value)
    return Text(text, style=STATUS_STYLES.get(text, ""))


def moment(value: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{value:%Y-%m-%d %H:%M:%S}"


@contextmanager
def progress() -> Iterator[ProgressFunction]:
    """Shows long work on stderr: a bar on a terminal, else a line for each step."""
    console = err()
    if not console.is_terminal:
        yield _Lines(console).step
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        def step(text: str, share: float | None) -> None:
            bars.update(task, description=text, total=None if share is None else 1.0, completed=share or 0.0)
            if share == 1.0:
                bars.console.print(f"✓ {text}", markup=False)

        yield step


class _Lines:
    """Progress where no terminal is: each step once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def step(self, text: str, _share: float | None) -> None:
        if text != self._last:
            self._last = text
            self._console.print(text, markup=False)
