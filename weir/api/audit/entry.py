"""What is known of a write while it is carried out.  Whoever sends a command for it says so here."""

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.types import Scope

from streams.audit import AuditRecord, encode_audit
from streams.core.commands import TopicCommand
from streams.core.tasks.task import split_task_id
from weir.api.audit.redacting import kept
from weir.api.auth.principal import Principal
from weir.api.auth.security import FOUND
from weir.api.limits import BODY

MAX_TEXT = 500


class Entry:
    """``before`` and ``after`` are rows of a table that the gateway changes itself."""

    def __init__(self, id_: str, scope: Scope) -> None:
        self._id, self._scope, self._time = id_, scope, datetime.now(UTC)
        found = scope[FOUND]
        self._who = found if isinstance(found, Principal) else None
        self._command_id: str | None = None
        self._instance_id: str | None = None
        self._cause: str | None = None
        self._has_sent_reading = False
        self.request_id = _header(scope, b"x-request-id") or id_
        self.target: str | None = None
        self.before: Any = None
        self.after: Any = None
        self.status = 200
        """What will be answered."""
        self.recorded: int | None = None
        """The status with which it is on the topic."""

    @property
    def who(self) -> str:
        """Whose records stay in order."""
        return self.address if self._who is None else f"{self._who.kind} {self._who.id}"

    @property
    def address(self) -> str:
        """From where it came."""
        client = self._scope.get("client")
        return str(client[0]) if client else "unknown"

    @property
    def has_sent(self) -> bool:
        """Whether a command or a reading was sent for it, or at least tried to."""
        return self._command_id is not None or self._has_sent_reading

    def sending(self, command: TopicCommand) -> None:
        """It leads to this command; where that is will be told, or nobody knows."""
        self._command_id, self._cause, self._instance_id = command.id or "", None, _instance_of(command)

    def sending_reading(self) -> None:
        """It leads to a reading."""
        self._has_sent_reading = True

    def sent(self, partition: int, offset: int) -> None:
        """Kafka has the command."""
        self._cause = f"{partition}:{offset}"

    def encoded(self, status: int) -> bytes:
        """The record of a write that is answered with ``status``."""
        scope, who = self._scope, self._who
        return encode_audit(
            AuditRecord(
                id=self._id,
                time=self._time,
                principal=None if who is None else _text(who.id),
                kind="unknown" if who is None else who.kind,
                method=scope["method"],
                route=getattr(scope.get("route"), "path", None),
                target=_text(self.target or _target(scope)),
                request_id=self.request_id,
                address=self.address,
                command_id=_text(self._command_id),
                instance_id=self._instance_id,
                cause=self._cause,
                status=status,
                request=kept(scope.get(BODY)),
                before=_row(self.before),
                after=_row(self.after),
            )
        )


CURRENT: ContextVar[Entry | None] = ContextVar("weir_audit_entry", default=None)
"""Of the write that is being carried out."""


def _target(scope: Scope) -> str:
    """What a write is about: what its path names, else the path."""
    parameters = scope.get("path_params")
    return str(next(iter(parameters.values()))) if parameters else str(scope["path"])


def _instance_of(command: TopicCommand) -> str | None:
    if (task := getattr(command, "task_id", None)) is not None:
        return split_task_id(task)[0]
    return getattr(command, "instance_id", None)


def _header(scope: Scope, name: bytes) -> str | None:
    value = next((value for one, value in scope["headers"] if one == name), b"")
    text = value.decode("latin-1").strip()
    return text[:MAX_TEXT] if text.isprintable() and text else None


def _text(value: str | None) -> str | None:
    """As the database can hold it."""
    return None if value is None else value[:MAX_TEXT].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _row(row: Any) -> msgspec.Raw | None:
    """As a body: a row may be as long as one."""
    return None if row is None else kept(msgspec.json.encode(row))
