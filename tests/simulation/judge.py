"""The verdict on a run that has come to rest: ``weir.verify`` over the simulated broker and database."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

from streams.codec import BadRecordError, decode_command, decode_event, decode_reading
from streams.core.commands import ObservePattern
from streams.core.durations import instant_ms, instant_text
from streams.core.schedule import Schedule
from streams.core.state import Instance
from streams.log import STALL_S, Span, Spans, read_tables
from streams.transport.memory_broker import MemoryBroker
from streams.transport.port import Chunk, TopicPartition
from tests.simulation.clock import EPOCH
from tests.simulation.load import Load
from tests.simulation.postgres import Postgres
from tests.simulation.site import HOT, MOMENTS_MS, TELEMETRY, topics
from tests.simulation.station import check_station
from tests.simulation.world import World
from weir.verify.definitions import columns, compare_definitions, read_topic
from weir.verify.log import Checked, check_log
from weir.verify.memory import compare_counts, compare_database, compare_tables
from weir.verify.report import Difference

HOLDS = ("running", "suspended")
"""An instance that stands still has not ended."""
KNOWN_S = 6.0
"""Virtual time at which everybody knows what was deployed first."""


class MemoryLog:
    """``streams.log.LogReader`` over a simulated broker at rest."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def bounds(self, tps: Sequence[TopicPartition]) -> Spans:
        return {tp: Span(self._broker.log(tp).base, self._broker.log(tp).stable_end) for tp in tps}

    async def settled(self, tps: Sequence[TopicPartition], timeout_s: float = STALL_S) -> Spans:
        return await self.bounds(tps)

    async def read(self, spans: Mapping[TopicPartition, Span]) -> AsyncIterator[Chunk]:
        for tp, span in spans.items():
            records, _ = self._broker.log(tp).read(max(span.start, self._broker.log(tp).base), 1 << 30)
            inside = [record for record in records if record.offset < span.end]
            yield Chunk(tp, span.start, inside, span.end, span.end)


async def judge(world: World, load: Load) -> tuple[Checked, list[Difference]]:
    """What was found, and what is wrong."""
    log = MemoryLog(world.broker)
    now_ms = int(world.broker.clock() * 1000)
    load.sent.ledger = world.ledger
    rows = world.database.tables
    events = topics().events.name
    positions = {tp: at for (topic, _, tp), at in rows.projection_positions.items() if topic == events}
    hidden_s = world.broker.longest_open_s[topics().commands.name]
    skew_ms = round((world.skew_s + hidden_s) * 1000) + 1  # the broker's times are whole milliseconds
    checked = await check_log(
        log, topics(), now_ms=now_ms, sent=load.sent, skew_ms=skew_ms, positions=positions, keep_rows=True
    )
    differences = list(checked.differences)
    changelogs = [TopicPartition(topics().changelog.name, number) for number in range(topics().partitions)]
    tables = await read_tables(log, await log.bounds(changelogs))
    differences += compare_tables(checked.folds, tables, now_ms)
    differences += compare_database([*checked.folds.values()], *_rows(world.database))
    counts = (rows.process_rollups, rows.process_totals, rows.activity_rollups)
    differences += compare_counts([*checked.folds.values()], *(table.values() for table in counts))
    differences += await _definitions(log, world.database)
    differences += await _carried(log, load)
    differences += await _clock(log)
    differences += _slots(checked)
    if "station" in world.roles:
        differences += await check_station(world, log, checked.counts)
    if "watching" in load.definitions:
        differences += await _watched(log)
    return checked, differences


def _rows(database: Postgres) -> tuple[list[dict[str, object]], ...]:
    """As ``weir.verify.database`` asks for them."""
    tables = database.tables
    history = [row | {"instance_id": str(row["instance_id"])} for row in tables.process_history.values()]
    instances = [row | {"id": str(row["id"])} for row in tables.process_instances.values()]
    incidents = [row | {"instance_id": str(row["instance_id"])} for row in tables.incidents.values()]
    return history, instances, [*tables.tasks.values()], incidents


async def _definitions(log: MemoryLog, database: Postgres) -> list[Difference]:
    """What is deployed, and what is active of it, as the database has it."""
    tp = TopicPartition(topics().definitions.name, 0)
    deployed = await read_topic(log, tp, (await log.bounds([tp]))[tp].end)
    tables = database.tables
    rows = columns(tables.process_definitions.values(), tables.definition_activations.values())
    return compare_definitions(deployed, rows)


async def _carried(log: MemoryLog, load: Load) -> list[Difference]:
    """Every reading that the MQTT broker has taken is in Kafka, once or more often."""
    tps = [TopicPartition(TELEMETRY, number) for number in range(topics().telemetry[TELEMETRY].partitions)]
    found: set[bytes | None] = set()
    async for chunk in log.read(await log.bounds(tps)):
        found.update(record.value for record in chunk.records)
    return [
        Difference("carried", TELEMETRY, None, f"record: expected {value!r}, but the topic has none")
        for value in load.mqtt_readings
        if value not in found
    ]


async def _clock(log: MemoryLog) -> list[Difference]:
    """Each moment of the scheduled definition that came after its deployment has started one instance."""
    tps = [TopicPartition(topics().events.name, number) for number in range(topics().partitions)]
    begun: list[int] = []
    fired: list[str] = []
    started: list[str] = []
    async for chunk in log.read(await log.bounds(tps)):
        values = [record.value or b"" for record in chunk.records]
        for event in [decode_event(value) for value in values if b'"schedule_' in value or b'"timer"' in value]:
            if event.type == "schedule_set":
                begun.append(instant_ms(event.time))
            elif event.type == "schedule_fired":
                fired.append(event.data["nominal"])
            elif event.type == "started" and event.data["trigger"].get("type") == "timer":
                started.append(event.data["trigger"]["nominal"])
    expected = [instant_text(moment) for moment in MOMENTS_MS if begun and moment > min(begun)]
    return [
        Difference("clock", "schedule:clocked", None, f"{what}: expected {expected}, but got {sorted(found)}")
        for what, found in (("fired", fired), ("started", started))
        if sorted(found) != expected
    ]


def _slots(checked: Checked) -> list[Difference]:
    """Whoever has asked for a slot and runs has one or waits for one, and nobody else does."""
    entities = [entity for fold in checked.folds.values() for entity in fold.entities.values()]
    instances = [one for one in entities if isinstance(one, Instance) and one.slot]
    asked = sorted(one.id for one in instances if one.status in HOLDS or one.retry is not None)
    known = sorted(
        one for entity in entities if isinstance(entity, Schedule) for one in entity.running + entity.waiting
    )
    return [] if asked == known else [Difference("slots", "", None, f"running: expected {asked}, but got {known}")]


async def _watched(log: MemoryLog) -> list[Difference]:
    """Of each key: every two hot readings have started one instance, and the last silence has.

    The router may come to know the patterns a little later than the first readings.
    """
    seen, hot, surely = await _readings(log)
    shown: Counter[str] = Counter()
    async for value in _values(log, topics().commands.name):
        if b'"observe_pattern"' in value:
            command = decode_command(value)
            assert isinstance(command, ObservePattern)
            shown[command.key] += command.trigger == 0
    started: Counter[tuple[str, str]] = Counter()
    async for value in _values(log, topics().events.name):
        event = decode_event(value)
        if event.type == "started" and event.data["trigger"].get("type") == "pattern":
            started[event.data["trigger"]["pattern"], event.data["key"]] += 1
    checks = [
        (key, what, least, most, found)
        for key in seen
        for what, least, most, found in (
            ("hot readings shown", surely[key], hot[key], shown[key]),
            ("starts by count", shown[key] // 2, shown[key] // 2, started["count", key]),
            ("starts by absence", 1 if surely[key] else 0, seen[key], started["absent", key]),
        )
    ]
    return [
        Difference("pattern", key, None, f"{what}: expected {least} to {most}, but got {found}")
        for key, what, least, most, found in checks
        if not least <= found <= most
    ]


async def _readings(log: MemoryLog) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How many readings there are of each key, how many hot ones, and how many of those when all was known."""
    seen: Counter[str] = Counter()
    hot: Counter[str] = Counter()
    surely: Counter[str] = Counter()
    tps = [TopicPartition(TELEMETRY, number) for number in range(topics().telemetry[TELEMETRY].partitions)]
    async for chunk in log.read(await log.bounds(tps)):
        for record in chunk.records:
            try:
                reading = decode_reading(record.value)
            except BadRecordError:
                continue
            if (key := reading.get("tags", {}).get("device_id")) is not None:
                seen[key] += 1
                hot[key] += reading["fields"]["t"] > HOT
                surely[key] += reading["fields"]["t"] > HOT and record.timestamp > (EPOCH + KNOWN_S) * 1000
    return seen, hot, surely


async def _values(log: MemoryLog, topic: str) -> AsyncIterator[bytes]:
    tps = [TopicPartition(topic, number) for number in range(topics().partitions)]
    async for chunk in log.read(await log.bounds(tps)):
        for record in chunk.records:
            yield record.value or b""
