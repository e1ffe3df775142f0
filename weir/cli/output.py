"""What a command says: tables for people, one JSON document for programs, progress on stderr."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self

import orjson
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 200
STATUS_STYLES = {
    "running": "green",
    "completed": "dim",
    "deployed": "green",
    "valid": "green",
    "passed": "green",
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


class Bar:
    """Long work on stderr: on a terminal one line with a bar, elsewhere a line for each step."""

    def __init__(self) -> None:
        self._console = err()
        self.on_terminal = self._console.is_terminal
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self.on_terminal,
        )
        self._total: float | None = None
        self._task = self._bars.add_task("", total=None)
        self._last = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def step(self, text: str, share: float | None) -> None:
        """A ``weir.stack.progress.Progress``; a step that is done (1.0) stays on the screen."""
        if not self.on_terminal:
            self.line(text)
        elif share == 1.0:
            self._console.print(f"✓ {text}", markup=False)
        else:
            self.show(text, share, None if share is None else 1.0)

    def show(self, text: str, done: float | None, total: float | None) -> None:
        """On a terminal: ``done`` of ``total``, which is ``None`` when nobody knows how much there is to do."""
        if total != self._total:  # a task cannot go back to an unknown total
            self._bars.remove_task(self._task)
            self._task = self._bars.add_task(text, total=total)
            self._total = total
        self._bars.update(self._task, description=text, completed=done)

    def line(self, text: str) -> None:
        """Where no terminal is: a line, unless it is the last one again."""
        if text != self._last:
            self._last = text
            self._console.print(text, markup=False)
