"""``process_instances``: the row that an instance must have, from its state and the few things beside it.

This says again, column by column, what ``projections.tables.process_instances`` merges from batches of events.
"""

from datetime import datetime
from typing import Any

import msgspec

from streams.core.durations import instant
from streams.core.state import BROKEN, UNENDED, Instance
from weir.verify.canonical import canonical, digest
from weir.verify.seen import Life


class InstanceRow(msgspec.Struct):
    """One row; the fields are the columns."""

    id: str
    definition_id: str
    definition_version: int
    status: str
    status_since: datetime | None
    business_key: str | None
    reference: str | None
    current_activity: str | None
    variables: dict[str, Any]
    error: str | None
    steps: int
    last_seq: int
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    steps_completed: int
    trigger: dict[str, Any] | None

    @property
    def digest(self) -> int:
        """Equal for equal rows."""
        columns = msgspec.structs.asdict(self)
        columns["variables"] = canonical(self.variables)
        columns["trigger"] = canonical(self.trigger)
        return digest(tuple(columns.values()))


def row_of(state: Instance, life: Life) -> InstanceRow:
    """The row of an instance as it is now."""
    failure = state.failure if state.status in BROKEN else None
    return InstanceRow(
        id=state.id,
        definition_id=state.definition_id,
        definition_version=state.definition_version,
        status=state.status,
        status_since=life.status_since,
        business_key=state.key,
        reference=state.reference,
        current_activity=None if state.status == "completed" else life.activity,
        variables=state.variables,
        error=None if failure is None else f"{failure.error_type}: {failure.error}",
        steps=state.steps,
        last_seq=state.seq,
        started_at=instant(state.started_at),
        updated_at=instant(state.updated_at),
        completed_at=None if state.status in UNENDED else life.status_since,
        steps_completed=life.steps_completed,
        trigger=life.trigger,
    )
