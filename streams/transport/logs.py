"""Logging of a role's process: what Faust and aiokafka repeat, once.

While a broker is away aiokafka logs every attempt, tens a second; one line of a kind every ten seconds tells as much.
"""

import logging
import sys
import time

NOISY = ("faust", "mode", "aiokafka", "streams.transport.recovery")
RETRYING = (
    "aiokafka",
    "aiokafka.client",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)
EVERY_S = 10.0


class Repeats(logging.Filter):
    """Lets a message (by its text before formatting) through once every ``EVERY_S``, and one kind never.

    That one: at the beginning of a transaction Kafka may answer NotEnoughReplicas while it verifies that the partition
    was added; aiokafka asks again after 20 ms.  If it lasted, commit_timeout_s would end the process.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Called for every record of the logger."""
        if record.levelno >= logging.CRITICAL:
            return True
        if "NotEnoughReplicas" in record.getMessage():
            return False
        now = time.monotonic()
        if now - self._last.get(record.msg, -EVERY_S) < EVERY_S:
            return False
        self._last[record.msg] = now
        return True


def configure(level: str) -> None:
    """Set the levels; log to stderr unless the root logger has handlers already."""
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    of_libraries = logging.INFO if logging.getLevelName(level) <= logging.DEBUG else logging.WARNING
    for name in NOISY:
        logging.getLogger(name).setLevel(of_libraries)
    for name in RETRYING:
        logging.getLogger(name).addFilter(Repeats())
