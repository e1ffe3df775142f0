"""What the database says happened, asked with plain SQL, as a user would."""

from dataclasses import dataclass
from datetime import timedelta

from streams.settings import Settings
from weir.database import connected

_COUNTS = """
SELECT (SELECT count(*) FROM telemetry)                                                      AS readings,
       (SELECT count(*) FROM process_instances)                                              AS started,
       (SELECT count(*) FROM process_instances WHERE status = 'completed')                   AS completed,
       (SELECT count(*) FROM process_instances WHERE status = 'running')                     AS running,
       (SELECT count(*) FROM process_history WHERE event_type = 'activity_completed'
                                               AND activity_id = 'log_success')              AS cooled,
       (SELECT count(*) FROM process_history WHERE event_type = 'activity_completed'
                                               AND activity_id = 'escalate')                 AS escalated,
       (SELECT count(*) FROM process_history)                                                AS history_rows,
       (SELECT count(*) FROM (SELECT instance_id FROM process_history GROUP BY instance_id
                              HAVING min(seq) <> 1 OR max(seq) <> count(*)) gaps)            AS with_gaps,
       (SELECT count(*) FROM process_instances i
         WHERE last_seq IS DISTINCT FROM (SELECT max(seq) FROM process_history h
                                           WHERE h.instance_id = i.id))                      AS out_of_step
"""
_STARTS = """
SELECT i.business_key AS device_id, h.data -> 'trigger' ->> 'timestamp' AS reading,
       i.completed_at - (h.data -> 'trigger' ->> 'timestamp')::timestamptz AS took
  FROM process_instances i JOIN process_history h ON h.instance_id = i.id AND h.event_type = 'started'
 ORDER BY i.started_at, i.id
"""


@dataclass(frozen=True)
class Counts:
    """Rows in the database.  ``with_gaps`` are instances whose events are not numbered 1, 2, 3 …; ``out_of_step`` those
    whose row does not reflect the last event of their history.
    """

    readings: int
    started: int
    completed: int
    running: int
    cooled: int
    escalated: int
    history_rows: int
    with_gaps: int
    out_of_step: int


@dataclass(frozen=True)
class Start:
    """An instance: the machine it is for, the device's own timestamp of the reading that started it, and the plant time
    from then until the instance had ended.
    """

    device_id: str
    reading: str
    took: timedelta | None


async def count(settings: Settings) -> Counts:
    """The counts as they are now."""
    async with connected(settings) as connection:
        return Counts(**await connection.fetchrow(_COUNTS))


async def starts(settings: Settings) -> list[Start]:
    """All instances, oldest first."""
    async with connected(settings) as connection:
        return [Start(**row) for row in await connection.fetch(_STARTS)]
