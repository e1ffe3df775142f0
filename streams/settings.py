"""Settings, read from the environment (and a ``.env`` file).

``DATABASE_URL``, ``REDPANDA_BROKERS``, ``PROCESS_ENGINE_GROUP_ID`` and ``PROCESS_DEFINITIONS_PATH`` are named as users
of the field's other services have them; the rest begin with ``WEIR_``.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.core.clock import PlantClock

MAX_PORT = 65_535


def _check_clock(text: str) -> str:
    PlantClock.parse(text)
    return text


def _port_text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


def _check_ports(text: str | None) -> str | None:
    if text is not None and not _ports(text):
        raise ValueError(f"Expected a port such as 18100, or a range such as 18100-18131, but got {text!r}")
    return text


def _ports(text: str) -> range:
    """The ports of ``text``; none when it is not one or a range of them."""
    first, dash, last = text.partition("-")
    numbers = (first, last if dash else first)
    if not all(number.isascii() and number.isdecimal() and 0 < int(number) <= MAX_PORT for number in numbers):
        return range(0)
    return range(int(numbers[0]), int(numbers[1]) + 1)


class Settings(BaseSettings):
    """One object for every role; each field's environment variable is ``WEIR_<FIELD>`` unless it names another."""

    model_config = SettingsConfigDict(env_prefix="WEIR_", env_file=".env", extra="ignore", populate_by_name=True)

    database_url: Annotated[str, Field(validation_alias=AliasChoices("DATABASE_URL", "database_url"))] = (
        "postgresql://weir@127.0.0.1:25432/weir"
    )
    brokers: Annotated[str, Field(validation_alias=AliasChoices("REDPANDA_BROKERS", "brokers"))] = "127.0.0.1:19092"
    app_id: Annotated[str, Field(validation_alias=AliasChoices("PROCESS_ENGINE_GROUP_ID", "app_id"))] = "process-engine"
    definitions_path: Annotated[
        Path, Field(validation_alias=AliasChoices("PROCESS_DEFINITIONS_PATH", "definitions_path"))
    ] = Path("definitions")

    mqtt_url: str = "mqtt://127.0.0.1:18830"
    """``mqtt://[user[:password]@]host:port``; ``mqtts://`` for TLS."""
    topics_file: Path = Path("redpanda/topics.yaml")
    partitions: Annotated[int | None, Field(ge=1, le=4096)] = None
    """Partitions of commands, events and changelog; without it, what ``topics.yaml`` says."""
    clock: Annotated[str, AfterValidator(_check_clock)] = "wall"
    """``wall``, or ``<plant epoch>@<wall epoch>x<factor>`` for an accelerated plant (``streams.core.clock``)."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: Path | None = None

    session_timeout_s: float = 6.0
    """How long a worker may be silent before its partitions go to others."""
    member_id: str | None = None
    """Static group membership: a worker that restarts under the same id keeps its partitions without a rebalance.
    SIGTERM keeps its place in the group, SIGINT gives it up."""
    fetch_wait_ms: Annotated[int, Field(ge=1, le=5000)] = 50
    """How long the broker holds a fetch that finds nothing.  Less costs CPU; timers do not wait for it."""
    web_port: Annotated[str | None, BeforeValidator(_port_text), AfterValidator(_check_ports)] = None
    """Port of the role's own ``/health`` and ``/metrics``, or a range (``18100-18131``) of which it takes one."""
    web_host: str = "127.0.0.1"
    """Address on which it listens."""
    action_concurrency: Annotated[int, Field(ge=1)] = 64
    """Actions that one action worker performs at the same time."""
    done_ttl_s: float = 86_400.0
    """How long a finished instance is remembered in the processor's table, to refuse a second start with its id."""
    commands_keep_s: Annotated[float, Field(ge=0)] = 7 * 86_400.0
    """How long a command stays on ``process-commands`` after it was processed; then the processor deletes it."""
    api_host: str = "127.0.0.1"
    """Address of the gateway; it asks nobody who they are, so elsewhere than on this machine it warns."""
    api_port: Annotated[int, Field(ge=1, le=MAX_PORT)] = 18080
    """Port of the gateway."""
    api_max_lag_records: Annotated[int, Field(ge=1)] = 100_000
    """With more commands waiting for the processor the gateway answers 503."""
    api_max_lag_s: Annotated[float, Field(gt=0)] = 30.0
    """The same when the oldest waits for longer."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_mechanism and self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError(
                f"WEIR_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs WEIR_KAFKA_SASL_MECHANISM, "
                "WEIR_KAFKA_SASL_USERNAME and WEIR_KAFKA_SASL_PASSWORD"
            )
        return self

    @property
    def web_ports(self) -> range:
        """The ports that ``web_port`` names."""
        return range(0) if self.web_port is None else _ports(self.web_port)

    @cached_property
    def plant_clock(self) -> PlantClock:
        """The clock that events, timers and telemetry share."""
        return PlantClock.parse(self.clock)
