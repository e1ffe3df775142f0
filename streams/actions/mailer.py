"""How actions reach people by e-mail: one connection a message, over TLS; and the fake that keeps what it is given.

Both obey one contract (``tests/actions/test_notify.py``).  A message may arrive twice, with the same ``Message-ID``.
SMTP: RFC 5321; STARTTLS: RFC 3207, which is asked for and never done without.
"""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple, Protocol

import aiosmtplib

from streams.actions.base import ActionError, ActionRequest, unavailable
from streams.tls import TlsError, TlsFiles, tls_problem

LATER = range(400, 500)
"""Replies that say "later" (RFC 5321, section 4.2.1)."""
QUIT_S = 2.0
NOT_OFFERED = (aiosmtplib.SMTPNotSupported, aiosmtplib.SMTPException)
"""The library's errors for an extension, such as STARTTLS, that the server does not offer; others are subclasses."""


class MailServer(NamedTuple):
    """``tls`` is starttls, tls or none; ``cafile``: whom to trust, else whom the system does."""

    host: str
    port: int
    tls: str
    username: str | None = None
    password: str | None = None
    cafile: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"MailServer({self})"


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, server: MailServer, mail: EmailMessage, timeout_s: float) -> dict[str, str]:
        """Return when the server has taken the mail: the recipients that it refused, and why.

        Raises ``ActionError``, also when it refused all of them.
        """
        ...


class SmtpMailer:
    """The real one."""

    async def send(self, server: MailServer, mail: EmailMessage, timeout_s: float) -> dict[str, str]:
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=socket.gethostname(),
            timeout=timeout_s,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=_tls(server),
        )
        try:
            async with asyncio.timeout(timeout_s):
                await client.connect()
                refused, _ = await client.send_message(mail)
        except (aiosmtplib.SMTPException, OSError) as error:  # a timeout is an OSError
            raise _explained(error, server, timeout_s) from None
        finally:
            await _quit(client)
        return {recipient: f"{reply.code} {reply.message}" for recipient, reply in refused.items()}


async def _quit(client: aiosmtplib.SMTP) -> None:
    """The mail is taken or not by now; a server that does not answer is left."""
    try:
        if client.is_connected:
            await client.quit(timeout=QUIT_S)
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _tls(server: MailServer) -> ssl.SSLContext | None:
    if server.tls == "none":
        return None
    try:
        return TlsFiles("the channel's", server.cafile).context()
    except TlsError as error:
        raise ActionError(str(error), "tls") from None


class FakeMailer:
    """Keeps the mails; with ``available`` false, nobody is there; ``refuses`` are recipients that it does not take."""

    def __init__(self, refuses: frozenset[str] = frozenset()) -> None:
        self.mails: list[EmailMessage] = []
        self.available, self._refuses = True, refuses

    async def send(self, server: MailServer, mail: EmailMessage, timeout_s: float) -> dict[str, str]:
        if not self.available:
            await asyncio.sleep(0)
            raise unavailable(f"The mail server {server} could not be reached within {timeout_s:.1f} s")
        refused = {one: "550 No such user" for one in recipients_of(mail) if one in self._refuses}
        if len(refused) == len(recipients_of(mail)):
            raise ActionError(f"The mail server {server} takes none of the recipients: {refused}", "mail_refused")
        self.mails.append(mail)
        return refused


def mail_of(request: ActionRequest, sender: str, to: Sequence[str], subject: str, text: str) -> EmailMessage:
    """The mail; its ``Message-ID`` is the same however often the request is performed."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = formatdate(localtime=False)
    digest = hashlib.sha256(request.idempotency_key.encode()).hexdigest()[:40]
    mail["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no reply by a machine
    mail["X-Weir-Instance"], mail["X-Weir-Definition"] = request.instance_id, request.definition_id
    mail.set_content(text)
    return mail


def recipients_of(mail: EmailMessage) -> list[str]:
    """The addresses of ``To``."""
    return [address.addr_spec for address in mail["To"].addresses]


def _explained(error: Exception, server: MailServer, timeout_s: float) -> ActionError:
    if (problem := tls_problem(error)) is not None:
        return ActionError(f"The mail server {server} refuses us: {problem}", "tls")
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            replies = [(one.recipient, one.code, one.message) for one in error.recipients]
            kind = "mail_later" if any(code in LATER for _, code, _ in replies) else "mail_refused"
            told = ", ".join(f"{recipient}: {code} {message}" for recipient, code, message in replies)
            return ActionError(f"The mail server {server} takes none of the recipients: {told}", kind)
        case aiosmtplib.SMTPResponseException() if error.code > 0:
            login = isinstance(error, aiosmtplib.SMTPAuthenticationError)
            kind = "mail_later" if error.code in LATER else "mail_login" if login else "mail_refused"
            return ActionError(f"The mail server {server} says no: {error.code} {error.message}", kind)
        case _ if type(error) in NOT_OFFERED:
            return ActionError(f"The mail server {server} cannot do what is asked: {error}", "mail_refused")
        case _:
            words = str(error) or type(error).__name__
            return unavailable(f"The mail server {server} could not be reached within {timeout_s:.1f} s: {words}")
