"""Records of ``process-audit``: every write that the gateway was asked for, refused ones too.

Written before the gateway answers, so that what was done is known though the database be away.  Where the gateway
changes a table of its own, the record has the row before and after; what a command has changed its events tell, which
name the command's place as their ``cause``.
"""

from datetime import datetime
from typing import Any

import msgspec

VERSION = 1


class AuditRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One write.  ``time`` is the wall's.

    ``principal`` is who asked, ``None`` where nobody is known; ``kind`` how they are known: ``api_key``, ``user``,
    ``anonymous``, or ``unknown``.  ``route`` is as it was declared, ``target`` what it is about.  The last command that
    the write led to has ``command_id``, is about ``instance_id`` if about one alone, and is at ``cause``
    (``<partition>:<offset>``).  ``request`` is the body, without secrets and what is long.
    """

    v: int = VERSION
    id: str
    time: datetime
    principal: str | None
    kind: str
    method: str
    route: str | None
    target: str | None
    request_id: str
    address: str | None
    command_id: str | None = None
    instance_id: str | None = None
    cause: str | None = None
    status: int
    request: Any = None
    before: Any = None
    after: Any = None


encode_audit = msgspec.json.Encoder().encode
decode_audit = msgspec.json.Decoder(AuditRecord).decode
"""Raises ``MsgspecError``."""
