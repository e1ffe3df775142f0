"""Warns, long before, that retention will delete what the projector has not projected yet.

A slow projector tells of itself: in its log once a minute, and by ``weir_retention_margin_seconds``.  Of one that is
stopped the gateway and ``weir status`` tell.
"""

from collections.abc import Callable

import structlog
from aiokafka.errors import KafkaError

from streams.monitoring import Sample
from streams.retention import Retention, problems, read_retentions
from streams.settings import Settings
from streams.topics import Topics

LOOK_S = 60.0
log = structlog.get_logger("weir.projector")


class RetentionGuard:
    """``lag_s(topic)``: age in seconds of the oldest record that this projector is working on."""

    def __init__(self, settings: Settings, topics: Topics, lag_s: Callable[[str], float]) -> None:
        self._settings, self._topics, self._lag_s = settings, topics, lag_s
        self._found: dict[str, Retention] = {}

    async def look(self) -> None:
        """Ask the broker how long it keeps what; say what is wrong with that."""
        try:
            self._found = await read_retentions(self._settings, self._topics)
        except KafkaError as error:
            log.warning("cannot tell how long topics are kept", error=str(error))
            return
        warnings = [self._found[topic].warning(self._lag_s(topic)) for topic in self._topics.telemetry]
        for text in (*problems(self._topics, self._found), *filter(None, warnings)):
            log.warning("retention", problem=text)

    def samples(self) -> list[Sample]:
        """For ``/metrics``."""
        return [
            Sample("weir_retention_margin_seconds", margin_s, (topic,))
            for topic in self._topics.telemetry
            if topic in self._found and (margin_s := self._found[topic].margin_s(self._lag_s(topic))) is not None
        ]
