"""What can be set, what is counted, what is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.histogram import Histogram


@dataclass(frozen=True, kw_only=True)
class TransportOptions:
    """Times end in ``_s`` (seconds) or ``_ms`` (milliseconds), sizes in ``_bytes``."""

    client: Mapping[str, Any]
    """``streams.kafka.client_options(settings)``: servers and credentials, for the consumer and every producer."""

    fetch_wait_ms: int = 50
    """How long the broker holds a fetch without data; a partition that is not in the running fetch waits as long."""
    max_partition_fetch_bytes: int = 1_048_576
    prefetch_backoff_s: float = 0.02
    """How long records that no lane has taken yet may hold up the fetch of the other partitions.  There is one fetch at
    a time: without this it would go without the partition that has just got records, whose next ones would then wait
    for up to ``fetch_wait_ms``.  An idle lane takes its records at once; the time is for one in a transaction."""

    timers_ahead_s: float = 0.05
    """How long before their moment timers are worked on: a thousand take 20 ms of computing."""
    batch_bytes: int = 524_288
    """Size at which a record batch is closed and the next one begun; a larger record still gets a batch of its own."""
    max_record_bytes: int = 1_048_000
    """A larger output is refused in ``txn.send``, where the agent can still isolate it; the broker's refusal of a whole
    batch would come too late.  Kept below the ``max.message.bytes`` of the topics (1 MiB)."""
    topic_max_record_bytes: Mapping[str, int] = field(default_factory=dict)
    """Topics with another limit."""

    batch_timeout_s: float = 120.0
    """A batch that is not done by then (waiting for an agent included) ends the process."""
    commit_timeout_s: float = 60.0
    """A transaction that Kafka has not confirmed by then ends the process."""
    drain_timeout_s: float = 10.0
    """How long a revocation waits for the running batch, and for ``on_revoked``."""
    shutdown_timeout_s: float = 1.5
    """How long a process that is told to stop waits for the same.  What is not done by then is not lost: whoever owns
    the partition next does it, as after a crash.  A process that lost its broker would wait in vain."""
    transaction_timeout_ms: int = 20_000
    """When the broker aborts a transaction whose owner vanished without a successor: until then it hides what others
    have written behind it.  A worker that takes longer for a transaction finds itself fenced, and ends."""
    concurrent_backoff_s: float = 0.001
    """Wait after the broker says that the markers of the previous transaction are still being written."""

    offsets_every_s: float = 1.0
    """Table: the position when batches write nothing.  Group offsets that are stored (or only shown): their flush."""
    idle_offsets_every_s: float = 5.0
    """Group, transactional: the position when batches send nothing."""

    start_timeout_s: float = 60.0
    """Partitions assigned, no progress in recovery and still no lane: the process ends."""
    broker_timeout_s: float = 60.0
    """An idle lane whose fetches the broker has not answered for so long ends the process."""
    stall_after_s: float = 15.0
    """What stands still for so long is logged and counted (``watchdog.py``)."""
    take_timeout_s: float = 60.0
    """A batch that no agent has taken by then ends the process."""
    group_timeout_s: float = 120.0
    """A member that has no place in the group by then ends the process."""
    unassigned_timeout_s: float = 30.0
    """Partitions that the group has assigned to nobody for so long end the process."""


@dataclass
class Counters:
    """Plain totals since the start of the process."""

    batches: int = 0
    records: int = 0
    transactions: int = 0
    outputs: int = 0
    batch_s: Histogram = field(default_factory=Histogram)
    """From handing a batch out until it is done."""
    transaction_s: Histogram = field(default_factory=Histogram)
    reruns: int = 0
    """Batches whose body failed the first time."""
    reseeks: int = 0
    missing_offsets: int = 0
    """Partitions that had no usable group offset and started at the latest."""

    # what stood still, by kind (``watchdog.py``): STANDSTILLS
    stalls: int = 0
    unstarted: int = 0
    unanswered: int = 0
    late_wakes: int = 0
    untaken: int = 0
    slow_commits: int = 0
    ungrouped: int = 0
    unassigned: int = 0
    unfed: int = 0

    def standing(self, kind: str) -> None:
        """Count one more of ``kind``."""
        setattr(self, kind, getattr(self, kind) + 1)

    def standstills(self) -> dict[str, int]:
        """How often something stood still, by kind."""
        return {kind: getattr(self, kind) for kind in STANDSTILLS}


STANDSTILLS = (
    "stalls",
    "unstarted",
    "unanswered",
    "late_wakes",
    "untaken",
    "slow_commits",
    "ungrouped",
    "unassigned",
    "unfed",
)


@dataclass(frozen=True)
class PartitionStatus:
    """One lane, as ``weir status`` shows it."""

    topic: str
    partition: int
    position: int
    lag: int | None
    """Offsets (markers included) from the position to the end of what is committed; None before the first answer."""
    last_batch_at: float | None
    """Unix seconds."""
    oldest_at: float | None = None
    """When (Unix s) the first record of the running batch was written; None when no batch runs, or none of records."""
