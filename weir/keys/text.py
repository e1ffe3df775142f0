"""API keys: ``weir_<id>_<secret>``.

The database keeps the SHA-256 of a secret, which is random and long: there is nothing to guess, so a slow hash would
only slow down requests.
"""

import hashlib
import hmac
import re
import secrets

import msgspec

PREFIX = "weir_"
_SHAPE = re.compile(r"weir_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class NewKey(msgspec.Struct, frozen=True):
    """``text`` is shown once; ``id`` stands in it."""

    id: str
    text: str
    secret_hash: bytes


def new_key(id_: str | None = None) -> NewKey:
    """With 256 random bits; ``id_`` (12 hexadecimal digits) is random, too, unless it is given."""
    id_, secret = id_ or secrets.token_hex(6), secrets.token_urlsafe(32)
    return NewKey(id_, f"{PREFIX}{id_}_{secret}", hash_of(secret))


def split(text: str) -> tuple[str, str] | None:
    """(id, secret) of a key; ``None`` for what is none."""
    match = _SHAPE.fullmatch(text)
    return None if match is None else (match[1], match[2])


def hash_of(secret: str) -> bytes:
    """What the database keeps of a secret: 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def is_same(text: str, expected: str) -> bool:
    """Compare two secrets in a time that tells nothing."""
    return hmac.compare_digest(hashlib.sha256(text.encode()).digest(), hashlib.sha256(expected.encode()).digest())
