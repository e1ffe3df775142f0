"""Wiring: which extension point of Faust is replaced by what, and the transport that an app carries as ``app.tx``."""

import asyncio
from collections.abc import Callable
from typing import Any

import faust
from faust.transport import producer as faust_producer
from faust.transport.drivers import aiokafka as driver
from mode.supervisors import CrashingSupervisor
from yarl import URL

from streams.transport.consumer import LaneConsumer
from streams.transport.fatal import Fatal, exit_process
from streams.transport.options import Counters, PartitionStatus, TransportOptions
from streams.transport.positions import Positions
from streams.transport.recovery import ChunkTableManager, TransactionalTable
from streams.transport.source import Hook, Source


def app_settings(
    *,
    session_timeout_s: float = 6.0,
    member_id: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Keyword arguments for ``faust.App``; ``settings`` are further ones of Faust.

    ``session_timeout_s``: how long a worker may be silent before its partitions go to others.  ``member_id``: static
    membership; a worker restarted under the same id gets its partitions back without a rebalance.  For that it stays in
    the group when it is stopped by SIGTERM: until it is back, or ``session_timeout_s`` is over, nobody works on its
    partitions.  One that is stopped by SIGINT leaves at once.  No broker address here: ``install`` takes it from the
    client options.
    """
    return {
        "Table": TransactionalTable,
        "TableManager": ChunkTableManager,
        "agent_supervisor": FatalSupervisor,
        "store": "memory://",
        "processing_guarantee": "at_least_once",  # Faust's exactly_once crash-loops on a rebalance; ours replaces it
        "stream_wait_empty": True,  # calls LaneConsumer.wait_empty on every revocation and on shutdown
        "table_standby_replicas": 0,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "broker_session_timeout": session_timeout_s,
        # A rebalance is told by the answer to a heartbeat, and waits for the member that learns of it last.
        "broker_heartbeat_interval": max(0.2, min(1.0, session_timeout_s / 12)),
        "broker_request_timeout": max(30.0, session_timeout_s),
        "broker_rebalance_timeout": 30.0,
        "broker_max_poll_interval": 1000.0,
        "consumer_group_instance_id": member_id,
        "worker_redirect_stdouts": False,
        "web_enabled": False,  # streams/monitoring has pages of its own
        **settings,
    }


class FatalSupervisor(CrashingSupervisor):  # type: ignore[misc]
    """An exception that escapes an agent ends the process: its batch is neither done nor skipped."""

    mundane_level = "debug"

    def wakeup(self) -> None:
        """Called by the agent that crashed."""
        for agent in self._services:
            if agent.crashed and not isinstance(agent.crash_reason, asyncio.CancelledError):
                exit_process(f"agent {agent!r} crashed", agent.crash_reason)
        super().wakeup()


class RefusingProducer(faust_producer.Producer):  # type: ignore[misc]
    """Stands where Faust keeps its producer, which is neither idempotent nor part of any transaction."""

    async def send(self, topic: str, *_: Any, **__: Any) -> Any:
        """Refuse."""
        raise TypeError(f"send to {topic} through the batch transaction: txn.send(topic, partition, key, value)")

    send_and_wait = send


class LaneTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with our consumer."""

    Consumer = LaneConsumer
    Producer = RefusingProducer


class Transport:
    """The sources of an app, its options, counters and status."""

    def __init__(self, app: faust.App, options: TransportOptions, fatal: Fatal = exit_process) -> None:
        self.app, self.options, self.fatal = app, options, fatal
        self.sources: dict[str, Source] = {}
        self.counters = Counters()
        self.consumer: LaneConsumer | None = None
        """Set by the consumer itself, when Faust makes it at start."""
        self.probes: list[Callable[[], str | None]] = []
        self.excuses: list[Callable[[], str | None]] = []
        self.ends_for_good = False
        """Whether a static member leaves the group with its process, rather than keeping its place."""

    def source(
        self,
        topic: Any,
        *,
        positions: Positions,
        wake_at: Callable[[int], float | None] | None = None,
        on_assigned: Hook | None = None,
        on_revoked: Hook | None = None,
    ) -> Source:
        """Register an input topic (``app.topic(...)``).

        ``wake_at(partition)``: wall-clock seconds at which a batch is wanted even without records; asked again after
        every batch.  ``on_assigned(partition)`` and ``on_revoked(partition)``, plain or async: after recovery and
        before the first batch; after the last batch and before the partition is given up (a rebalance revokes all).
        """
        name = topic.get_topic_name()
        source = Source(
            name,
            positions,
            self.options,
            self.counters,
            topic=topic,
            wake_at=wake_at,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
            fatal=self.fatal,
        )
        if name in self.sources:
            raise ValueError(f"Expected one source for {name}, but got a second")
        if source.table is not None and any(other.table is source.table for other in self.sources.values()):
            raise ValueError(f"Expected one source for table {source.table.changelog}, but {name} is a second")
        self.sources[name] = source
        return source

    def watch(self, probe: Callable[[], str | None]) -> None:
        """Have the watchdog ask ``probe`` every second: what stands still, in words that change with every progress.

        None when nothing does.
        """
        self.probes.append(probe)

    def excuse(self, probe: Callable[[], str | None]) -> None:
        """Have the watchdog be patient with a start for as long as ``probe`` says what it waits for, outside of us."""
        self.excuses.append(probe)

    def status(self) -> list[PartitionStatus]:
        """One entry for each partition that this process works on, by topic and partition."""
        lanes = self.consumer.lanes if self.consumer is not None else {}
        return [lanes[tp].status() for tp in sorted(lanes)]


def install(app: faust.App, options: TransportOptions) -> Transport:
    """Put the transport into ``app``; before tables, topics and agents are declared."""
    servers = options.client["bootstrap_servers"]
    servers = servers.split(",") if isinstance(servers, str) else servers
    app.tx = transport = Transport(app, options)
    app.transport = LaneTransport([URL(f"kafka://{server.strip()}") for server in servers], app)
    app.boot_strategy.enable_kafka_producer = False
    return transport
