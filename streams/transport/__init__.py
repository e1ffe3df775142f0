"""Transport: Faust agents over exactly-once batches, one Kafka transaction a batch a partition.

    app = faust.App("process-engine", **transport.app_settings())
    tx = transport.install(app, transport.TransportOptions(client=client_options(settings)))
    table = app.Table("instances", partitions=16)                  # transport.TransactionalTable, bytes → bytes
    source = tx.source(app.topic("process-commands", partitions=16), positions=transport.TablePositions(table))

    @app.agent(source.topic, concurrency=16)
    async def processor(stream):
        async for batch in transport.batches(stream, max_records=1000):
            async with batch.transaction() as txn:
                for record in batch.records:
                    txn[record.key] = fold(txn.get(record.key), record.value)
                    txn.send("process-events", batch.tp.partition, record.key, event)

    transport.run(app)

Map of the package, from the pure to Faust:

    port.py        what a lane knows of Kafka; the errors
    memory.py      the port over a simulated broker
    memory_broker.py   that broker
    contents.py    what a table holds: the changelog, folded
    positions.py   the three homes of a position, and where a lane starts
    source.py      input topic, hooks, queue of batches
    batch.py       Batch, Transaction: what agents use
    lane.py        the runner of one partition
    commits.py     what a lane writes, and when
    lane_reader.py, kafka_reader.py, kafka_writer.py   the port over aiokafka
    thread.py      the thread of the group's member, and reading changelogs across it
    restoring.py   tables restored from chunks of their changelogs
    recovery.py    TransactionalTable, Faust's recovery with that
    assignment.py  what a member of the group does with its partitions: drain, fence, recover, start
    consumer.py    Faust's consumer, which drives that
    kept.py        positions of a group, a second time
    membership.py  the group: partitions that nobody has, leaving
    watchdog.py    what stands still without an error
    app.py         install, app_settings, Transport
    run.py         a role's process
    logs.py        what Faust and aiokafka repeat, once
    preflight.py   is the broker there, and has it the topics?
    lenient.py     header names that are no text
    private.py     every private part of Faust and aiokafka that is touched
    fatal.py       the one way out
    options.py     options, counters, status
"""

from collections.abc import AsyncIterator
from typing import Any

from streams.records import Record
from streams.transport import lenient
from streams.transport.app import Transport, app_settings, install
from streams.transport.batch import Batch, RecordTooLargeError, Transaction
from streams.transport.kept import KeptPositions
from streams.transport.options import Counters, PartitionStatus, TransportOptions
from streams.transport.port import TopicPartition
from streams.transport.positions import ExternalPositions, GroupPositions, TablePositions
from streams.transport.recovery import TransactionalTable
from streams.transport.run import run
from streams.transport.source import Source

__all__ = [
    "Batch",
    "Counters",
    "ExternalPositions",
    "GroupPositions",
    "KeptPositions",
    "PartitionStatus",
    "Record",
    "RecordTooLargeError",
    "Source",
    "TablePositions",
    "TopicPartition",
    "Transaction",
    "TransactionalTable",
    "Transport",
    "TransportOptions",
    "app_settings",
    "batches",
    "install",
    "run",
]

lenient.install()


def batches(stream: Any, max_records: int = 1000) -> AsyncIterator[Batch]:
    """Batches of the topic of an agent's ``stream``, each of one partition with at most ``max_records`` records.

    The agent's concurrency is the number of partitions worked on at once.
    """
    source: Source = stream.app.tx.sources[stream.channel.get_topic_name()]
    return source.batches(max_records)
