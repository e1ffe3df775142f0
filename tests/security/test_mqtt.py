"""MQTT over TLS with a password, to the same broker that ``weir up`` starts."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.mqtt import MqttAddress, keep_connected
from streams.refused import RefusedError
from streams.settings import Settings
from streams.tls import TlsError
from tests.security.certificates import HOST, Certificates
from tests.security.services import PASSWORD, USER, Services
from weir.stack import mqtt
from weir.stack.ports import free_port_numbers
from weir.stack.process import ProcessSpec
from weir.stack.stack import Stack

Change = Callable[[Services], dict[str, Any]]

REFUSED: dict[str, tuple[Change, str]] = {
    "wrong password": (
        lambda at: {"mqtt_url": at.mqtt_url(password="another-password")},
        "check user and password in WEIR_MQTT_URL",
    ),
    "unknown CA": (
        lambda at: {"mqtt_ssl_cafile": at.certificates.other_ca},
        "authority that is not trusted here, check WEIR_MQTT_SSL_CAFILE and WEIR_MQTT_URL",
    ),
    "expired": (
        lambda at: {"mqtt_url": at.mqtt_url("expired")},
        "its certificate has expired, check WEIR_MQTT_SSL_CAFILE",
    ),
    "another host's": (
        lambda at: {"mqtt_url": at.mqtt_url("elsewhere")},
        "its certificate is for another address, check WEIR_MQTT_SSL_CAFILE and WEIR_MQTT_URL",
    ),
    "TLS to plaintext": (
        lambda at: {"mqtt_url": at.mqtt_url("plain")},
        "it does not speak TLS there, check WEIR_MQTT_URL",
    ),
    "plaintext to TLS": (
        lambda at: {"mqtt_url": at.mqtt_url(scheme="mqtt")},
        "it speaks TLS there, check WEIR_MQTT_URL",
    ),
}


def test_the_way_in(services: Services, secure: Callable[..., Settings]) -> None:
    assert mqtt.check(MqttAddress.of(secure())) == "accepts connections"
    plain = secure(mqtt_url=services.mqtt_url("plain", scheme="mqtt"))
    assert mqtt.check(MqttAddress.of(plain)) == "accepts connections"


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_ends_the_trying_and_names_the_setting(
    services: Services, secure: Callable[..., Settings], case: str
) -> None:
    change, names = REFUSED[case]
    address = MqttAddress.of(secure(**change(services)))

    async def serve(client: Any) -> None:
        async with client:
            raise AssertionError("Expected a refusal")

    with pytest.raises(RefusedError) as refused:
        await keep_connected(address, serve, client_id="refused")
    assert names in str(refused.value)
    assert PASSWORD not in str(refused.value)
    with pytest.raises(RefusedError) as again:
        mqtt.check(address)
    assert str(again.value) == str(refused.value)


@pytest.mark.parametrize("field", ["mqtt_ssl_cafile", "mqtt_ssl_certfile", "mqtt_ssl_keyfile"])
def test_a_file_that_is_none_is_named(services: Services, secure: Callable[..., Settings], field: str) -> None:
    client = services.certificates.client
    files = {"mqtt_ssl_certfile": client.cert, "mqtt_ssl_keyfile": client.key}
    with pytest.raises(TlsError, match=f"WEIR_{field.upper()}=/nowhere"):
        MqttAddress.of(secure(**{**files, field: "/nowhere"})).client()


# ---- mosquitto, which can ask for a client's certificate


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Certificates]]:
    program = mqtt.find_mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed")
    home = tmp_path_factory.mktemp("mosquitto")
    certificates = Certificates(home)
    [port] = free_port_numbers(1, 26000, 29999)
    passwords = home / "passwords"
    passwords.touch(mode=0o600)
    tool = shutil.which("mosquitto_passwd") or str(Path(program).with_name("mosquitto_passwd"))
    subprocess.run([tool, "-b", str(passwords), USER, PASSWORD], check=True, capture_output=True)
    config = home / "mosquitto.conf"
    server = certificates.server
    config.write_text(
        f"listener {port} {HOST}\nuser root\n"
        f"allow_anonymous false\npassword_file {passwords}\nrequire_certificate true\n"
        f"cafile {certificates.ca}\ncertfile {server.cert}\nkeyfile {server.key}\n"
    )
    with_own = MqttAddress.of(_settings(port, certificates, certified=True))
    stack = Stack(home)
    stack.start_process(
        ProcessSpec(name="mosquitto", argv=(program, "-c", str(config)), port=port, ready=lambda: mqtt.check(with_own))
    )
    yield port, certificates
    stack.down()


def _settings(port: int, certificates: Certificates, *, certified: bool) -> Settings:
    client = certificates.client
    own = {"mqtt_ssl_certfile": client.cert, "mqtt_ssl_keyfile": client.key} if certified else {}
    url = f"mqtts://{USER}:s3cret%2Fof%40the%3Aplant%231@{HOST}:{port}"
    return Settings(_env_file=None, mqtt_url=url, mqtt_ssl_cafile=certificates.ca, **own)


def test_mosquitto_wants_a_certificate_of_us(mosquitto: tuple[int, Certificates]) -> None:
    port, certificates = mosquitto
    assert mqtt.check(MqttAddress.of(_settings(port, certificates, certified=True))) == "accepts connections"
    with pytest.raises(RefusedError, match="WEIR_MQTT_SSL_CERTFILE and WEIR_MQTT_SSL_KEYFILE"):
        mqtt.check(MqttAddress.of(_settings(port, certificates, certified=False)))
