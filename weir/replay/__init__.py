"""State as the log tells it: ``weir replay --state`` makes the processor's table anew.

    process-events ──► fold ──► what the table must hold ──┐
    traces of commands ──► the position to resume at ──────┤
    the changelog ──► what it holds ───────────────────────┴──► the difference, one transaction a partition

    state.py      the whole, partition by partition
    preflight.py  are the topics there?
    fence.py      no worker beside the replay
    traces.py     what the log tells of commands: which were processed
    position.py   where the processor resumes
    table.py      the records of a partition, and what differs
    errors.py
    instance.py   beside all this: one instance as it was (``weir show --at``)

**A generation is a transaction, not a topic.**  A partition's whole difference is one Kafka transaction on the
changelog, under the transactional id by which its processor writes.  So a partition has either its former table or the
new one, whenever the replay is killed, and both go with the log's commands: a processor that starts after half a
replay works on, with the former table where the replay had not come.  Nothing is marked, nothing is left to clean up,
no name changes that Faust, settings or dashboards know; run again, the replay finds nothing to do in the partitions
that it had finished.  A topic of its own a generation would have to be named somewhere that can be lost too, and
deleting a topic to make it again is asynchronous in Kafka, and takes the old table before the new one is there.
"""

from weir.replay.errors import ReplayError
from weir.replay.state import PartitionReport, StateReport, replay_state

__all__ = ["PartitionReport", "ReplayError", "StateReport", "replay_state"]
