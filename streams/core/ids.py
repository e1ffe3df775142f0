"""Instance ids and the partition of a key.

An instance id is a UUID of version 8 (RFC 9562): 48 bits of Unix milliseconds (the instance's ``started_at``), 12 bits
of partition, 62 bits of a hash of what caused the start.  It is the same on every replay, sorts by time, tells anyone
the partition its instance lives in, and lets the database find its chunk.
"""

import hashlib
import math
import re
import struct
from functools import lru_cache
from uuid import UUID

MAX_PARTITIONS = 4096
MAX_KEY_LENGTH = 512
UUID_VERSION = 8
_VERSION_BITS = UUID_VERSION << 76
_VARIANT = 2 << 62
_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_HASH_BITS = (1 << 62) - 1
_WORD = struct.Struct("<I")


def instance_id(started_at_ms: int, partition: int, cause: str) -> str:
    """The id of the instance that ``cause`` starts at ``started_at_ms`` (Unix ms) in ``partition`` (0 to 4095)."""
    digest = int.from_bytes(hashlib.blake2b(cause.encode(), digest_size=8).digest(), "big")
    number = started_at_ms << 80 | _VERSION_BITS | partition << 64 | _VARIANT | digest & _HASH_BITS
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def check_instance_id(text: str) -> str:
    """``text`` in canonical form.  Raises ``ValueError`` when it is not a UUID of version 8."""
    if _CANONICAL.fullmatch(text):
        return text
    try:
        uuid = UUID(text)
    except ValueError:
        raise ValueError(f"Expected a UUID as instance id, but got {text[:80]!r}") from None
    if uuid.version != UUID_VERSION or uuid.variant != "specified in RFC 4122":
        raise ValueError(f"Expected an instance id (a UUID of version 8), but {text!r} has version {uuid.version}")
    return str(uuid)


def partition_of(instance: str) -> int:
    """The partition in which the instance with this (canonical) id lives."""
    return int(instance[15:18], 16)


def started_at_ms(instance: str) -> int:
    """When the instance with this (canonical) id started, in Unix milliseconds of plant time."""
    return int(instance[:8] + instance[9:13], 16)


def key_text(value: object) -> str | None:
    """``value`` as a business key: numbers as text, 5.0 as 5; ``None`` for what cannot be one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        value = int(value) if value.is_integer() else value
    if isinstance(value, int | float):
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_KEY_LENGTH else None


@lru_cache(maxsize=8192)
def partition_for(key: str, partitions: int) -> int:
    """The partition of a business key, as Kafka's default partitioner has it for the key's UTF-8 bytes."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit MurmurHash2 (``org.apache.kafka.common.utils.Utils.murmur2``), as an unsigned number."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for (word,) in _WORD.iter_unpack(data[:whole]):
        k = word * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
