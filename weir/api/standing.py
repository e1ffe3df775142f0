"""The plant's own numbers at the gateway's ``/metrics``: asked from the database now and then, not at each scrape.

While the database is away the last ones are not repeated: a graph has a gap, where it would show what nobody knows.
"""

import asyncio
from collections.abc import Iterator
from typing import NoReturn

import structlog

from projections.queries import Standing, standing
from streams.monitoring import Sample
from weir.api.database import Database
from weir.api.problems import ProblemError

EVERY_S = 30.0
log = structlog.get_logger("weir.api")


class StandingWatch:
    """``watch`` runs beside the requests."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = Standing()

    async def watch(self, every_s: float = EVERY_S) -> NoReturn:
        """Ask again and again."""
        while True:
            try:
                async with self._database.connection() as connection:
                    self._last = await standing(connection)
            except ProblemError as error:
                self._last = Standing()
                log.warning("cannot tell how the plant stands", problem=error.detail, again_in_s=every_s)
            await asyncio.sleep(every_s)

    def samples(self) -> Iterator[Sample]:
        """For ``/metrics``."""
        for labels, count in self._last.instances.items():
            yield Sample("weir_instances", count, labels)
        for labels, count in self._last.tasks.items():
            yield Sample("weir_tasks_open", count, labels)
        for definition, count in self._last.incidents.items():
            yield Sample("weir_incidents_open", count, (definition,))
