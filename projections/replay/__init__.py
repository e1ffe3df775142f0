"""``weir replay --projections``: the projected tables, built anew from the topics while everything goes on.

    topics ─► the projector's own feeds and tables ─► shadow tables (schema ``weir_replay``) ─ swap ─► live tables

1. ``shadow``   makes the shadow by the migrations that made the live tables, or finds one to go on with;
2. ``keep``     copies into it what the topics no longer hold: old telemetry;
3. ``catch_up`` projects the log up to where the live tables are, in large batches, until little is left;
4. ``swap``     holds the live projector for a moment, projects the last records, and exchanges the tables in one
   transaction.  The live projector goes on from its own position, which is the shadow's too.

Ended anywhere before the swap, it leaves the live tables as they were, and the shadow for the next run to go on with.
"""

from projections.replay.replay import replay_projections
from projections.replay.report import Progress, ReplayReport, TableReport

__all__ = ["Progress", "ReplayReport", "TableReport", "replay_projections"]
