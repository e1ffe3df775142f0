"""What the broker deletes by itself, and how long it is until that hits what nobody has read yet.

Events and commands are deleted by nobody's clock: a setting that would is a problem, told by ``weir status`` and by
every projector.  Telemetry is kept as long as its user chose; the margin is how much longer the oldest reading that is
not projected stays, and it is told long before it is used up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topic, Topics, topic_configs

WARN_BELOW = 0.5
"""A margin below this share of the retention is told: half of it has passed without the reading being projected."""
UNLIMITED = -1


@dataclass(frozen=True)
class Retention:
    """How long a topic keeps its records: ``seconds`` of age and ``size_bytes`` a partition, ``None`` without limit.

    ``compacted``: of those with the same key only the last.
    """

    topic: str
    seconds: float | None
    size_bytes: int | None
    compacted: bool = False

    def margin_s(self, lag_s: float | None) -> float | None:
        """Seconds until the broker may delete a record that is ``lag_s`` old; ``None`` for never, or not known.

        The broker deletes whole segments, so it may stay longer.
        """
        return None if self.seconds is None or lag_s is None else self.seconds - lag_s

    def warning(self, lag_s: float | None) -> str | None:
        """What to say about telemetry whose oldest unread reading is ``lag_s`` old; ``None`` when all is well."""
        margin = self.margin_s(lag_s)
        if self.seconds is None or margin is None or margin >= WARN_BELOW * self.seconds:
            return None
        return (
            f"{self.topic}: the projector is {lag_s:.0f} s behind and readings are deleted after {self.seconds:.0f} s: "
            f"{max(0.0, margin):.0f} s are left. Start a projector, or raise the topic's retention.ms"
        )


async def read_retentions(settings: Settings, topics: Topics) -> dict[str, Retention]:
    """Of commands, events and telemetry, as the broker has it.  Raises ``KafkaError``."""
    wanted = [topics.commands, topics.events, *topics.telemetry.values()]
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        configs = await topic_configs(admin, wanted)
    finally:
        await admin.close()
    return {topic.name: retention_of(topic, configs.get(topic.name, {})) for topic in wanted}


def retention_of(topic: Topic, config: Mapping[str, str]) -> Retention:
    """From a topic's settings; a limit that the broker does not show is none."""
    age_ms, size = (int(config.get(name) or UNLIMITED) for name in ("retention.ms", "retention.bytes"))
    policy = config.get("cleanup.policy", "delete")
    deletes = "delete" in policy
    return Retention(
        topic.name,
        age_ms / 1000 if deletes and age_ms >= 0 else None,
        size if deletes and size >= 0 else None,
        "compact" in policy,
    )


def problems(topics: Topics, found: Mapping[str, Retention]) -> list[str]:
    """What would delete records that somebody still needs, whatever the projector does."""
    told = []
    for topic in (topics.commands, topics.events):
        retention = found[topic.name]
        for name, limit in (("retention.ms", retention.seconds), ("retention.bytes", retention.size_bytes)):
            if limit is not None:
                told.append(f"{topic.name}: {name} is set, so the broker deletes what must be kept: set it to -1")
        if retention.compacted:
            told.append(f"{topic.name}: cleanup.policy is compact, so all but the last record of a key go: set delete")
    told += [
        f"{topic}: retention.bytes is set, so how long readings are kept cannot be told: use retention.ms"
        for topic in topics.telemetry
        if found[topic].size_bytes is not None
    ]
    return told
