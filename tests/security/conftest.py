"""Services with TLS and passwords, started once for the tests of this folder; settings that fit them."""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Settings
from tests.security.certificates import HOST
from tests.security.services import PASSWORD, USER, Services


@pytest.fixture(scope="package")
def services() -> Iterator[Services]:
    """Started, and stopped at the end."""
    made = Services(Path(tempfile.mkdtemp(prefix="weir-secure-")))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def secure(services: Services) -> Callable[..., Settings]:
    """``secure(**changes)``: settings of an application of its own on the services; SASL_SSL, mqtts, verify-full."""

    def make(**changes: Any) -> Settings:
        return Settings(
            _env_file=None,
            **{
                "app_id": f"secure-{uuid.uuid4().hex[:8]}",
                "partitions": 2,
                "brokers": f"{HOST}:{services.kafka['sasltls']}",
                "kafka_security_protocol": "SASL_SSL",
                "kafka_sasl_mechanism": "SCRAM-SHA-512",
                "kafka_sasl_username": USER,
                "kafka_sasl_password": PASSWORD,
                "kafka_ssl_cafile": services.certificates.ca,
                "database_url": services.database_url(),
                "mqtt_url": services.mqtt_url(),
                "mqtt_ssl_cafile": services.certificates.ca,
                **changes,
            },
        )

    return make
