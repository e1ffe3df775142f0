"""Records that cannot be used, each in another way.  They must become dead letters, and hold up nobody."""

from random import Random
from typing import NamedTuple

from tests.chaos.load.sender import Sender
from tests.chaos.sent import Book
from tests.poison import HEADERS, KEYS, poison
from weir.verify.sent import Poison

PROCESSOR = frozenset({"processor"})
BOTH = frozenset({"router", "projector"})
ROUTER = frozenset({"router"})
BRIDGE = frozenset({"bridge"})


class Bad(NamedTuple):
    """A record, and the roles that bury it."""

    value: bytes | None
    roles: frozenset[str]


COMMANDS = [
    *(Bad(one.value, PROCESSOR) for one in poison(b'{"type":"signal","name":"go","key":"k1","payload":{"x":@}}')),
    Bad(b'{"type":"explode","key":"k1"}', PROCESSOR),
    Bad(b'{"type":"cancel","key":"k1","why":"typo"}', PROCESSOR),
    Bad(b'{"type":"signal","name":"go","key":7}', PROCESSOR),
]
READINGS = [
    *(Bad(one.value, BOTH) for one in poison(b'{"tags":{"device_id":"d1"},"fields":{"flow_temp_c":30.0,"x":@}}')),
    Bad(b'{"tags": 5, "fields": {}}', BOTH),
    Bad(b'{"tags":{"device_id":"d1"},"fields":{"flow_temp_c":"warm"}}', ROUTER),
]
MESSAGES = [bad.value or b"" for bad in READINGS if bad.roles is BOTH]
"""The same over MQTT, where the bridge buries them."""


async def send(sender: Sender, book: Book, topic: str, partition: int, bad: Bad, rng: Random) -> None:
    """Send it, with a key and with headers that anyone may write, and note it."""
    value = bad.value or b""

    def placed(at: int, offset: int) -> None:
        book.sent.poison.append(Poison(topic, at, offset, value, bad.roles))

    def lost() -> None:
        book.sent.poison.append(Poison(topic, partition, None, value, bad.roles, uncertain=True))

    key = rng.choice([key for key in KEYS if key is not None])  # the client sends no record without key and value
    headers = rng.sample(HEADERS, rng.randrange(len(HEADERS)))
    await sender.send(topic, partition, key, bad.value, headers, taken=placed, unknown=lost)
