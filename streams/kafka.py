"""How every Kafka client of Weir connects: one function, so that security settings hold everywhere.

``refusal`` tells why a broker that is there does not let us in: aiokafka only says that it cannot connect, and tries
for ever.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.settings import Settings
from streams.tls import PROBE_S, speaks_tls, tls_problem

ALERT_S = 1.0
"""TLS 1.3: a server that does not want our certificate says so after the handshake."""
_CHECK_SASL: dict[type[KafkaError], str] = {
    SaslAuthenticationFailed: "check WEIR_KAFKA_SASL_USERNAME and WEIR_KAFKA_SASL_PASSWORD",
    UnsupportedSaslMechanismError: "it does not offer that mechanism, check WEIR_KAFKA_SASL_MECHANISM",
    IllegalSaslStateError: "it wants no SASL there, check WEIR_KAFKA_SECURITY_PROTOCOL",
}


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client (consumer, producer, admin).  Raises ``TlsError``."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.brokers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol in ("SSL", "SASL_SSL"):
        options["ssl_context"] = settings.kafka_tls.context()
    if settings.kafka_sasl_mechanism is not None and settings.kafka_sasl_password is not None:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options


async def refusal(options: Mapping[str, Any]) -> str | None:
    """Why no broker lets us in, naming the setting; ``None`` when one does, or when none is there to say.

    ``options`` are those of ``client_options``.  Takes at most some seconds a broker.
    """
    found: str | None = None
    for server in options["bootstrap_servers"].split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            why = await _ask(host.strip("[]"), int(port), options)
        except (OSError, KafkaError, TimeoutError, ValueError):
            continue  # it is not there
        if why is None:
            return None
        found = found or f"Kafka at {server.strip()} refuses us: {why}"
    return found


async def _ask(host: str, port: int, options: Mapping[str, Any]) -> str | None:
    protocol = options.get("security_protocol", "PLAINTEXT")
    rest = {name: value for name, value in options.items() if name.startswith(("ssl_", "sasl_", "security_"))}
    try:
        connection: AIOKafkaConnection = await create_conn(host, port, request_timeout_ms=int(PROBE_S * 1000), **rest)
    except (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError) as error:
        return _CHECK_SASL[type(error)]
    except ssl.SSLError as error:
        return _of_tls(tls_problem(error) or str(error), protocol)
    except (OSError, KafkaError, TimeoutError) as error:
        return await _what_speaks(host, port, options, error)
    try:
        await asyncio.wait_for(connection.send(MetadataRequest([])), PROBE_S)
    except (TimeoutError, RequestTimedOutError):
        raise  # it holds the connection and says nothing: frozen, or too busy
    except (KafkaError, OSError):
        if protocol.startswith("SASL"):
            raise
        return f"it closes the connection, as one that wants SASL does: check WEIR_KAFKA_SECURITY_PROTOCOL={protocol}"
    finally:
        connection.close()
    return None


async def _what_speaks(host: str, port: int, options: Mapping[str, Any], error: BaseException) -> str | None:
    """Look at a port that has just hung up.  Raises ``OSError``, or ``error`` when it is not about security."""
    protocol, context = options.get("security_protocol", "PLAINTEXT"), options.get("ssl_context")
    if protocol not in ("SSL", "SASL_SSL"):
        if await speaks_tls(host, port):
            return f"it speaks TLS there, check WEIR_KAFKA_SECURITY_PROTOCOL={protocol}"
        raise error
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            await asyncio.wait_for(reader.read(1), ALERT_S)
    except ssl.SSLError as problem:
        return _of_tls(tls_problem(problem) or str(problem), protocol)
    except ConnectionResetError:
        return _of_tls("it does not speak TLS there", protocol)
    except TimeoutError:
        raise error from None
    finally:
        if writer is not None:
            writer.transport.abort()
    raise error


def _of_tls(why: str, protocol: str) -> str:
    if "speak TLS" in why:
        return f"{why}, check WEIR_KAFKA_SECURITY_PROTOCOL={protocol}"
    ours = "our certificate" in why or "of us" in why
    setting = (
        "WEIR_KAFKA_SSL_CERTFILE and WEIR_KAFKA_SSL_KEYFILE" if ours else "WEIR_KAFKA_SSL_CAFILE and REDPANDA_BROKERS"
    )
    return f"{why}, check {setting}"
