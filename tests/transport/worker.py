"""A worker process for the transport tests: ``main(config)`` runs in it.

It folds its input into a table (count and checksum of each key) and writes one history record per input, with the
key's sequence number: what is lost, doubled or out of order shows in the history; what state and history disagree on
shows by comparing both.  ``flag``: a file whose first byte tells how many batches are in flight, the second how many
are about to commit, so that a test can strike in the middle.
"""

import asyncio
import json
import mmap
import random
import sys
import time
from pathlib import Path

from streams import transport
from streams.app import RoleApp

DEFAULTS = {
    "group": None,  # id of the app, when it is not that of the topics
    "kind": "table",  # table, group (transactional), stored (group, not transactional), external
    "body": "fold",  # fold, forward, silent, timer
    "partitions": 4,
    "session_timeout_s": 6.0,
    "member_id": None,
    "work_s": 0.0,  # mean seconds of pretended work in a batch
    "failures": 0,  # attempts of each batch that raise
    "crash": False,  # raise outside the transaction
    "max_records": 1000,
    "missing": "fatal",
    "kept": None,  # stored: a topic for KeptPositions, as the group "kept"
    "positions": {},  # external: partition → position
    "slow_revoke_s": 0.0,
    "options": {},
}


class Flag:
    """Counts, shown in one byte each."""

    def __init__(self, path: str) -> None:
        with Path(path).open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16)

    def add(self, i: int, n: int) -> None:
        self._map[i] = max(0, min(255, self._map[i] + n))


def say(*words: object) -> None:
    """One line to the test; a single write, so that lines of log and test do not mix."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def fold(batch, txn, out):
    for record in batch.records:
        n, checksum = json.loads(txn.get(record.key, b"[0,0]"))
        n, checksum = n + 1, (checksum * 31 + int(record.value)) & 0xFFFFFFFF
        txn[record.key] = b"[%d,%d]" % (n, checksum)
        txn.send(out, batch.tp.partition, record.key, b"%d %s" % (n, record.value))


def forward(batch, txn, out):
    for record in batch.records:
        txn.send(out, batch.tp.partition, record.key, record.value, [("from", b"%d" % record.offset)])


def silent(batch, txn, out):
    """Write nothing."""


class Timers:
    """A record is the delay in ms of a timer; firing counts in its key, and the history tells how late it was."""

    def __init__(self, table) -> None:
        self.table, self.heap, self.pending = table, {}, {}

    def load(self, partition):
        self.heap[partition] = {
            key: float(value) for key, value in self.table.items(partition) if key.startswith(b"timer:")
        }

    def wake_at(self, partition):
        return min(self.heap.get(partition, {}).values(), default=None)

    def body(self, batch, txn, out):
        partition, heap = batch.tp.partition, dict(self.heap[batch.tp.partition])
        for record in batch.records:
            due = time.time() + int(record.value) / 1000
            heap[b"timer:" + record.key] = due
            txn[b"timer:" + record.key] = b"%.6f" % due
        for key, due in list(heap.items()):
            if due <= time.time():
                del heap[key], txn[key]
                name = key.removeprefix(b"timer:")
                fired = int(txn.get(b"fired:" + name, b"0")) + 1
                txn[b"fired:" + name] = b"%d" % fired
                txn.send(out, partition, name, b"%d %d" % (fired, (time.time() - due) * 1000))
        self.pending[partition] = heap

    def committed(self, partition):
        self.heap[partition] = self.pending[partition]


def positions_of(config, table, kept):
    async def read(tps):
        say("ASKED", *sorted(tp.partition for tp in tps))
        return {tp: config["positions"].get(str(tp.partition)) for tp in tps}

    match config["kind"]:
        case "table":
            return transport.TablePositions(table)
        case "external":
            return transport.ExternalPositions(read)
        case kind:
            return transport.GroupPositions(missing=config["missing"], transactional=kind == "group", kept=kept)


def main(config) -> None:  # noqa: C901
    config = DEFAULTS | config
    name, partitions, flag = config["app"], config["partitions"], Flag(config["flag"])
    app = RoleApp(
        config["group"] or name,
        datadir=config["datadir"],
        **transport.app_settings(session_timeout_s=config["session_timeout_s"], member_id=config["member_id"]),
    )
    options = transport.TransportOptions(client={"bootstrap_servers": config["brokers"]}, **config["options"])
    tx = transport.install(app, options)
    table = app.Table("state", partitions=partitions) if config["kind"] == "table" else None
    timers = Timers(table)
    kept = None
    if config["kept"]:
        kept = transport.KeptPositions({"bootstrap_servers": config["brokers"]}, config["kept"], "kept")
        app.accompany(kept.start, kept.stop)

    async def assigned(partition):
        if table is not None:
            timers.load(partition)
        say("ASSIGNED", partition, len(list(table.items(partition))) if table is not None else "")

    async def revoked(partition):
        await asyncio.sleep(config["slow_revoke_s"])
        say("REVOKED", partition)

    source = tx.source(
        app.topic(name + "-in", partitions=partitions),
        positions=positions_of(config, table, kept),
        wake_at=timers.wake_at if config["body"] == "timer" else None,
        on_assigned=assigned,
        on_revoked=revoked,
    )
    body = {"fold": fold, "forward": forward, "silent": silent, "timer": timers.body}[config["body"]]

    async def attempt(batch, txn):
        body(batch, txn, name + "-out")
        await asyncio.sleep(config["work_s"] * random.random() * 2)
        if batch.attempt <= config["failures"]:
            raise RuntimeError(f"planted failure of attempt {batch.attempt}")

    @app.agent(source.topic, concurrency=partitions)
    async def agent(stream):
        async for batch in transport.batches(stream, max_records=config["max_records"]):
            if config["crash"]:
                raise RuntimeError("outside of the transaction")
            flag.add(0, 1)
            committing = 0
            async with batch.transaction() as txn:
                await attempt(batch, txn)
                flag.add(1, 1)
                committing = 1
            flag.add(1, -committing)
            flag.add(0, -1)
            if batch.done:
                if config["body"] == "timer":
                    timers.committed(batch.tp.partition)
                if source.stores_offsets:
                    source.store_offset(batch.tp, batch.end)
                say("BATCH", batch.tp.partition, batch.start, batch.end, len(batch.records), batch.attempt)

    transport.run(app, log_level="INFO")
    say("STOPPED", json.dumps({name: one for name, one in vars(tx.counters).items() if isinstance(one, int)}))
