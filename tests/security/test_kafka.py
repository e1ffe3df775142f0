"""Kafka over TLS and SASL: each way in, and each refusal in one line that names the setting."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from streams.kafka import client_options, refusal
from streams.settings import Settings
from streams.tls import TlsError
from tests.security.certificates import HOST
from tests.security.services import MECHANISMS, Services
from weir.stack import kafka
from weir.stack.ports import free_port_numbers

Change = Callable[[Services], dict[str, Any]]


def to(services: Services, listener: str, **changes: Any) -> dict[str, Any]:
    return {"brokers": f"{HOST}:{services.kafka[listener]}", **changes}


WAYS: dict[str, Change] = {
    "SSL": lambda at: to(at, "tls", kafka_security_protocol="SSL"),
    "mutual": lambda at: to(
        at,
        "mutual",
        kafka_security_protocol="SSL",
        kafka_ssl_certfile=at.certificates.client.cert,
        kafka_ssl_keyfile=at.certificates.client.key,
    ),
    **{
        f"{protocol}/{mechanism}": lambda at, listener=listener, protocol=protocol, mechanism=mechanism: to(
            at, listener, kafka_security_protocol=protocol, kafka_sasl_mechanism=mechanism
        )
        for listener, protocol in (("sasl", "SASL_PLAINTEXT"), ("sasltls", "SASL_SSL"))
        for mechanism in MECHANISMS
    },
}
REFUSED: dict[str, tuple[Change, str]] = {
    "wrong password": (
        lambda at: {"kafka_sasl_password": "another-password"},
        "check WEIR_KAFKA_SASL_USERNAME and WEIR_KAFKA_SASL_PASSWORD",
    ),
    "wrong password, PLAIN": (
        lambda at: {"kafka_sasl_password": "another-password", "kafka_sasl_mechanism": "PLAIN"},
        "check WEIR_KAFKA_SASL_USERNAME and WEIR_KAFKA_SASL_PASSWORD",
    ),
    "unknown CA": (
        lambda at: {"kafka_ssl_cafile": at.certificates.other_ca},
        "authority that is not trusted here, check WEIR_KAFKA_SSL_CAFILE",
    ),
    "expired": (lambda at: to(at, "expired", kafka_security_protocol="SSL"), "expired, check WEIR_KAFKA_SSL_CAFILE"),
    "another host's": (
        lambda at: to(at, "elsewhere", kafka_security_protocol="SSL"),
        "is for another address, check WEIR_KAFKA_SSL_CAFILE and REDPANDA_BROKERS",
    ),
    "no client certificate": (
        lambda at: to(at, "mutual", kafka_security_protocol="SSL"),
        "it wants a certificate of us, check WEIR_KAFKA_SSL_CERTFILE and WEIR_KAFKA_SSL_KEYFILE",
    ),
    "a stranger's client certificate": (
        lambda at: to(
            at,
            "mutual",
            kafka_security_protocol="SSL",
            kafka_ssl_certfile=at.certificates.stranger.cert,
            kafka_ssl_keyfile=at.certificates.stranger.key,
        ),
        "check WEIR_KAFKA_SSL_CERTFILE and WEIR_KAFKA_SSL_KEYFILE",
    ),
    "plaintext to TLS": (
        lambda at: to(at, "tls", kafka_security_protocol="PLAINTEXT"),
        "it speaks TLS there, check WEIR_KAFKA_SECURITY_PROTOCOL=PLAINTEXT",
    ),
    "SASL_PLAINTEXT to TLS": (
        lambda at: to(at, "sasltls", kafka_security_protocol="SASL_PLAINTEXT"),
        "it speaks TLS there, check WEIR_KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT",
    ),
    "TLS to plaintext": (
        lambda at: to(at, "plain", kafka_security_protocol="SSL"),
        "it does not speak TLS there, check WEIR_KAFKA_SECURITY_PROTOCOL=SSL",
    ),
    "no SASL to SASL": (
        lambda at: to(at, "sasl", kafka_security_protocol="PLAINTEXT"),
        "check WEIR_KAFKA_SECURITY_PROTOCOL=PLAINTEXT",
    ),
    "SASL to no SASL": (
        lambda at: to(at, "plain", kafka_security_protocol="SASL_PLAINTEXT"),
        "it wants no SASL there, check WEIR_KAFKA_SECURITY_PROTOCOL",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_in(services: Services, secure: Callable[..., Settings], way: str) -> None:
    assert "1 broker" in kafka.check(client_options(secure(**WAYS[way](services))))


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_names_the_setting(services: Services, secure: Callable[..., Settings], case: str) -> None:
    change, names = REFUSED[case]
    settings = secure(**change(services))
    said = await refusal(client_options(settings))
    assert said is not None
    assert said.startswith(f"Kafka at {settings.brokers} refuses us: ")
    assert names in said


async def test_who_is_let_in_and_who_is_not_there_is_no_refusal(
    services: Services, secure: Callable[..., Settings]
) -> None:
    assert await refusal(client_options(secure())) is None
    assert await refusal(client_options(secure(brokers=f"{HOST}:24996"))) is None
    one_of_two = secure(brokers=f"{HOST}:24996,{HOST}:{services.kafka['sasltls']}")
    assert await refusal(client_options(one_of_two)) is None


async def test_a_broker_that_is_frozen_refuses_nobody(
    secure: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.PROBE_S", 0.5)
    held: list[asyncio.StreamWriter] = []
    [port] = free_port_numbers(1, 24000, 24999)
    async with await asyncio.start_server(lambda _, writer: held.append(writer), HOST, port):
        frozen = secure(brokers=f"{HOST}:{port}", kafka_security_protocol="PLAINTEXT")
        assert await refusal(client_options(frozen)) is None
        for writer in held:
            writer.close()
    assert held


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("kafka_ssl_cafile", "WEIR_KAFKA_SSL_CAFILE"),
        ("kafka_ssl_certfile", "WEIR_KAFKA_SSL_CERTFILE"),
        ("kafka_ssl_keyfile", "WEIR_KAFKA_SSL_KEYFILE"),
    ],
)
def test_a_file_that_is_none_is_named(
    services: Services, secure: Callable[..., Settings], field: str, names: str
) -> None:
    client = services.certificates.client
    files = {"kafka_ssl_certfile": client.cert, "kafka_ssl_keyfile": client.key}
    with pytest.raises(TlsError, match=rf"{names}=/nowhere.* (cannot be read|cannot be used)"):
        client_options(secure(**{**files, field: "/nowhere"}))
