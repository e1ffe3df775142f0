"""A projector process that dies, or is stopped, at a chosen point of a chosen batch.

    main(URL, RECORDS, BATCH_SIZE, STATEMENT_TIMEOUT_S, [SIGNAL, POINT, BATCH_NUMBER])

All are words.  RECORDS is a file of JSON lines: ``[offset, value]`` of process-events/0.  Exits 0 at the end of the
records, 70 when the projector gives up.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from projections.binary_copy import COPY_END, COPY_START
from projections.dead_letters import KeptDeadLetters
from projections.errors import ProjectionError
from projections.projector import Projector
from projections.tables import process_history, process_instances, projections_of
from projections.topic_log import FixedTopicLog
from streams.core.clock import PlantClock
from streams.database import Database
from streams.transport.port import TopicPartition
from tests.projections.story import EVENTS, IDS, FakeRecord, batch

POINTS = ("before copy", "within copy", "after copy", "before commit", "after commit")


class Doom:
    """Sends ``signal`` to this process when ``point`` of batch number ``at`` is reached."""

    def __init__(self, signal_name: str = "SIGKILL", point: str = "", at: str = "-1") -> None:
        self.signal, self.point, self.at = signal.Signals[signal_name], point, int(at)
        self.batch = 0

    def reach(self, point: str) -> None:
        if (point, self.batch) == (self.point, self.at):
            self.at = -1
            os.kill(os.getpid(), self.signal)


def doomed_tables(doom: Doom) -> Any:
    history, instances = process_history.TABLE.projection, process_instances.TABLE.projection
    assert history is not None
    assert instances is not None

    async def write_history(connection: asyncpg.Connection, rows: Sequence[bytes]) -> None:
        doom.reach("before copy")
        if doom.point == "within copy" and doom.batch == doom.at:
            await _copy_slowly(connection, rows, doom)
        else:
            await history.write(connection, rows)
        doom.reach("after copy")

    async def write_instances(connection: asyncpg.Connection, rows: Any) -> None:
        await instances.write(connection, rows)
        doom.reach("before commit")

    doomed = {
        history.write: replace(history, write=write_history),
        instances.write: replace(instances, write=write_instances),
    }
    tables = tuple(doomed.get(table.write, table) for table in projections_of("events"))
    return {"events": tables, "definitions": (), "telemetry": ()}


async def _copy_slowly(connection: asyncpg.Connection, rows: Sequence[bytes], doom: Doom) -> None:
    async def halves() -> AsyncIterator[bytes]:
        middle = len(rows) // 2
        yield COPY_START + b"".join(rows[:middle])
        await asyncio.sleep(0.05)  # the first half is on its way
        doom.reach("within copy")
        yield b"".join(rows[middle:]) + COPY_END

    columns = process_history.COLUMNS
    await connection.copy_to_table("process_history", source=halves(), columns=columns, format="binary")


async def run(url: str, records_file: str, batch_size: str, statement_timeout_s: str, *doom_words: str) -> None:
    lines = Path(records_file).read_text().splitlines()  # noqa: ASYNC240
    records = [FakeRecord(value.encode(), offset) for offset, value in map(json.loads, lines)]
    doom = Doom(*doom_words)
    database = Database(url, statement_timeout_s=float(statement_timeout_s))
    projector = Projector(
        database,
        {EVENTS: "events"},
        topic_log=FixedTopicLog(dict(IDS)),
        dead_letters=KeptDeadLetters(),
        clock=PlantClock(),
        tables=doomed_tables(doom),
    )
    tp = TopicPartition(EVENTS, 0)
    position = (await projector.positions([tp]))[tp] or 0
    left = [record for record in records if record.offset >= position]
    print(f"begin {position}", flush=True)  # noqa: T201
    for doom.batch, first in zip(count(), range(0, len(left), int(batch_size)), strict=False):
        await projector.project(batch(EVENTS, left[first : first + int(batch_size)]))
        doom.reach("after commit")
    database.close()


def main(*words: str) -> None:
    """In a process of its own."""
    try:
        asyncio.run(run(*words))
    except ProjectionError as error:
        print(f"{type(error).__name__}: {error}", flush=True)  # noqa: T201
        sys.exit(70)
