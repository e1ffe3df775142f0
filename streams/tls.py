"""TLS, the same way for every service: a context from the files that settings name, and refusals in plain words."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.refused import RefusedError

PROBE_S = 5.0
_BRIEF = {
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate is of an authority that is not trusted here",
    20: "its certificate is of an authority that is not trusted here",
    21: "its certificate is of an authority that is not trusted here",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}
"""By OpenSSL's verify code (``X509_V_ERR_…``, openssl/x509_vfy.h)."""


class TlsError(RefusedError):
    """A file for TLS cannot be used; the message names the setting."""


class TlsFiles(NamedTuple):
    """``cafile``: whom to trust, else whom the system does.  ``certfile`` and ``keyfile``: who we are, for a server
    that asks.  ``prefix`` is what the settings begin with.
    """

    prefix: str
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A client's context: the certificate and the host's name are checked, always.  Raises ``TlsError``."""
        try:
            context = ssl.create_default_context(cafile=self.cafile)
        except (OSError, ssl.SSLError) as error:
            raise TlsError(f"{self.prefix}_CAFILE={self.cafile} cannot be read: {_reason(error)}") from None
        if self.certfile is not None:
            try:
                context.load_cert_chain(self.certfile, self.keyfile, password=_no_password)
            except (OSError, ssl.SSLError, TlsError) as error:
                raise TlsError(
                    f"{self.prefix}_CERTFILE={self.certfile} and {self.prefix}_KEYFILE={self.keyfile} cannot be used: "
                    f"{_reason(error)}"
                ) from None
        return context


def tls_problem(error: BaseException) -> str | None:
    """Why the other side's TLS will not do, when that is what ``error`` comes from; waiting does not change it."""
    for one in chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _BRIEF.get(one.verify_code, one.verify_message)
        if isinstance(one, ssl.SSLError):
            reason = (one.reason or "").upper()
            if "CERTIFICATE_REQUIRED" in reason:
                return "it wants a certificate of us"
            if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
                return "it does not accept our certificate"
            if "HANDSHAKE_FAILURE" in reason or "PROTOCOL_VERSION" in reason or "NO_PROTOCOLS" in reason:
                return "it and we have no version or cipher of TLS in common"
            if "WRONG_VERSION" in reason or "RECORD_LAYER" in reason or "UNKNOWN_PROTOCOL" in reason:
                return "it does not speak TLS there"
    return None


async def speaks_tls(host: str, port: int) -> bool:
    """Whether a port that hung up on plain text answers a handshake.  Nothing is verified, and nothing said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "").upper()
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def chain(error: BaseException) -> Iterator[BaseException]:
    """``error``, and what it comes from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _no_password() -> str:
    """Else OpenSSL would ask on the terminal."""
    raise TlsError("the key is encrypted: Weir takes one without a passphrase")


def _reason(error: BaseException) -> str:
    return (
        error.strerror or str(error)
        if isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        else str(error)
    )
