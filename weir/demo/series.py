"""Series of readings: any ``timestamp,value`` file, and the four labelled failures of the built-in one.

A series is played one reading a tick, in the file's order; its interval, the usual distance of two timestamps, is how
much plant time a tick stands for.  The original timestamps go along as data.
"""

import csv
import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

DATA = Path(__file__).parent / "data"
MACHINE_TEMPERATURE = DATA / "machine_temperature_system_failure.csv"
WINDOWS = DATA / "machine_temperature_windows.json"
DEFAULT_INTERVAL = timedelta(minutes=5)
HEADER = ["timestamp", "value"]


class SeriesError(ValueError):
    """A file that cannot be played; the message names file and line, what was expected and what was there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One row: when it was measured, in the file's own words and as naive UTC, and the value in the file's unit."""

    timestamp: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """What one machine plays: at least one reading."""

    device_id: str
    readings: tuple[Reading, ...]

    @property
    def values(self) -> list[float]:
        """The values in the order in which they are played."""
        return [reading.value for reading in self.readings]

    @property
    def interval(self) -> timedelta:
        """The median distance of neighbours, whatever gaps and steps back there are; 5 minutes for a single reading."""
        steps = [later.at - earlier.at for earlier, later in pairwise(self.readings)]
        forward = sorted(step for step in steps if step > timedelta(0))
        return forward[len(forward) // 2] if forward else DEFAULT_INTERVAL


def read_series(path: Path, device_id: str) -> Series:
    """The series in a CSV file of two columns; the header ``timestamp,value`` is optional.  Raises ``SeriesError``."""
    readings: list[Reading] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for row in rows:
                if not row or (rows.line_num == 1 and [cell.strip().lower() for cell in row] == HEADER):
                    continue
                readings.append(_reading(row, f"{path}:{rows.line_num}"))
    except OSError as error:
        raise SeriesError(f"{path}: {error.strerror}. Expected a CSV file of timestamp,value") from error
    except UnicodeDecodeError as error:
        raise SeriesError(f"{path}: Expected UTF-8 text, but got {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise SeriesError(f"{path}:{rows.line_num}: Expected a row of timestamp,value, but got: {error}") from error
    if not readings:
        raise SeriesError(f"{path}: Expected at least one row of timestamp,value, but got none")
    return Series(device_id, tuple(readings))


def failure_windows() -> list[Series]:
    """The four labelled failure windows of the built-in file, two days each, as machines 1 to 4."""
    whole = read_series(MACHINE_TEMPERATURE, "machine")
    (windows,) = json.loads(WINDOWS.read_text(encoding="utf-8")).values()
    found = []
    for number, (first, last) in enumerate(windows, start=1):
        begin, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
        readings = tuple(reading for reading in whole.readings if begin <= reading.at <= end)
        found.append(Series(f"machine-{number}", readings))
    return found


def _reading(row: list[str], place: str) -> Reading:
    if len(row) != len(HEADER):
        raise SeriesError(f"{place}: Expected two columns, timestamp,value, but got {len(row)}: {','.join(row)[:80]!r}")
    timestamp, text = (cell.strip() for cell in row)
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError:
        raise SeriesError(
            f"{place}: Expected a timestamp such as 2013-12-02 21:15:00, but got {timestamp[:80]!r}"
        ) from None
    try:
        value = float(text)
    except ValueError:
        raise SeriesError(f"{place}: Expected a number as value, but got {text[:80]!r}") from None
    if not math.isfinite(value):
        raise SeriesError(f"{place}: Expected a finite number as value, but got {text!r}")
    return Reading(timestamp, at.replace(tzinfo=None) - (at.utcoffset() or timedelta(0)), value)
