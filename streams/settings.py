"""Settings, read from the environment (and a ``.env`` file).

``DATABASE_URL``, ``REDPANDA_BROKERS``, ``PROCESS_ENGINE_GROUP_ID`` and ``PROCESS_DEFINITIONS_PATH`` are named as users
of the field's other services have them; the rest begin with ``WEIR_``.

What holds a password is a ``SecretStr`` or a ``SecretUrl``, and errors about settings never repeat their values.
"""

import re
import socket
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.addresses import Allowed
from streams.core.clock import PlantClock
from streams.redaction import SecretUrl, secrets_of_url
from streams.tls import TlsFiles

_HOSTS = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:@,]*)(?::\d+)?(?:,(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:@,]*)(?::\d+)?)*")

PREFIX = "WEIR_"
MAX_PORT = 65_535
DatabaseName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


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


def _check_database(url: SecretUrl) -> SecretUrl:
    """The message must not repeat the URL; what is wrong with it is most often the password."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("Expected postgresql://user:password@host:port/database")
    user, _, hosts = parts.netloc.rpartition("@")
    if "@" in user or not _HOSTS.fullmatch(hosts):
        raise ValueError(
            "Expected postgresql://user:password@host:port/database; write a special character of the password as "
            "%XX: '@' is %40, '/' is %2F, '#' is %23"
        )
    return url


def _check_allowed(text: str) -> str:
    Allowed.parse(text)
    return text


def _name_host(text: str) -> str:
    return socket.gethostname() if text == "@host" else text


class Settings(BaseSettings):
    """One object for every role; each field's environment variable is ``WEIR_<FIELD>`` unless it names another."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    database_url: Annotated[
        SecretUrl,
        AfterValidator(_check_database),
        Field(validation_alias=AliasChoices("DATABASE_URL", "database_url")),
    ] = SecretUrl("postgresql://weir@127.0.0.1:25432/weir")
    """As asyncpg and libpq read it: ``?sslmode=verify-full&sslrootcert=/…/ca.pem`` for TLS."""
    brokers: Annotated[str, Field(validation_alias=AliasChoices("REDPANDA_BROKERS", "brokers"))] = "127.0.0.1:19092"
    app_id: Annotated[str, Field(validation_alias=AliasChoices("PROCESS_ENGINE_GROUP_ID", "app_id"))] = "process-engine"
    definitions_path: Annotated[
        Path, Field(validation_alias=AliasChoices("PROCESS_DEFINITIONS_PATH", "definitions_path"))
    ] = Path("definitions")

    mqtt_url: SecretUrl = SecretUrl("mqtt://127.0.0.1:18830")
    """``mqtt://[user[:password]@]host:port``; ``mqtts://`` for TLS."""
    mqtt_ssl_cafile: Path | None = None
    mqtt_ssl_certfile: Path | None = None
    mqtt_ssl_keyfile: Path | None = None
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
    kafka_ssl_certfile: Path | None = None
    kafka_ssl_keyfile: Path | None = None

    session_timeout_s: float = 6.0
    """How long a worker may be silent before its partitions go to others."""
    member_id: Annotated[str, AfterValidator(_name_host)] | None = None
    """Static group membership: a worker that restarts under the same id keeps its partitions without a rebalance.
    SIGTERM keeps its place in the group, SIGINT gives it up.  ``@host`` is the host's name, for containers: it is a
    container's own, and the same after a restart."""
    fetch_wait_ms: Annotated[int, Field(ge=1, le=5000)] = 50
    """How long the broker holds a fetch that finds nothing.  Less costs CPU; timers do not wait for it."""
    web_port: Annotated[str | None, BeforeValidator(_port_text), AfterValidator(_check_ports)] = None
    """Port of the role's own ``/health`` and ``/metrics``, or a range (``18100-18131``) of which it takes one."""
    web_host: str = "127.0.0.1"
    """Address on which it listens."""
    timers: str = "heap"
    """What finds due timers in a processor: ``heap``, or a backend of an extension (``streams.extensions``)."""
    action_concurrency: Annotated[int, Field(ge=1)] = 64
    """Actions that one action worker performs at the same time."""
    databases: dict[DatabaseName, Annotated[SecretUrl, AfterValidator(_check_database)]] = Field(default_factory=dict)
    """Further databases for ``database_query`` and ``database_execute``, by name: a JSON object of URLs."""
    channels_file: Path | None = None
    """YAML file of the channels of ``notify`` (``streams.actions.channels``)."""
    notify_failures: str = ""
    """Channels, with commas between, that are told of processes that fail; ``station``: an alert (``announcing``)."""
    notify_tasks: str = ""
    """The same for tasks; ``station``: a notification to each person."""
    http_allow: Annotated[str, AfterValidator(_check_allowed)] = ""
    """Private places that the action ``http_request`` may reach: networks (CIDR) and hosts, with commas between."""
    secrets_dir: Path | None = None
    """Folder with a file for each secret of actions that is not in the environment (``streams.secrets``)."""
    script_sandbox: Literal["required", "off"] = "required"
    """``off`` lets scripts run, with the limits but without the filter of system calls, where the kernel has none."""
    done_ttl_s: float = 86_400.0
    """How long a finished instance is remembered in the processor's table, to refuse a second start with its id."""
    user_offline_s: Annotated[float, Field(gt=0)] = 300.0
    """How long after their last position or message somebody is offline, in seconds of plant time."""
    commands_keep_s: Annotated[float, Field(ge=0)] = 7 * 86_400.0
    """How long a command stays on ``process-commands`` after it was processed; then the processor deletes it."""
    history_keep_days: Annotated[int | None, Field(ge=31)] = None
    """Days of plant time after which an instance that has ended leaves the database; without it, never.  Longer than
    ``streams.endings.FAILED_TTL_MS``: until then a failed one may be retried."""
    telemetry_keep_days: Annotated[int | None, Field(ge=1)] = None
    """The same of readings."""
    audit_keep_days: Annotated[int | None, Field(ge=1)] = None
    """The same of who has asked for what."""
    api_host: str = "127.0.0.1"
    """Address of the gateway."""
    api_port: Annotated[int, Field(ge=1, le=MAX_PORT)] = 18080
    """Port of the gateway."""
    api_max_lag_records: Annotated[int, Field(ge=1)] = 100_000
    """With more commands waiting for the processor the gateway answers 503."""
    api_max_lag_s: Annotated[float, Field(gt=0)] = 30.0
    """The same when the oldest waits for longer."""
    api_database_connections: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Connections to the database that one gateway keeps."""
    api_auth: Literal["required", "off"] = "required"
    """``off``: the gateway asks nobody who they are, and everybody is an administrator."""
    api_admin_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    """An administrator's key that needs no database; ``weir up`` makes one."""
    oidc_issuer: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Whose tokens (JWT) the gateway takes beside API keys, as they name it in ``iss``."""
    oidc_audience: str | None = None
    """For whom those tokens must be, as they name it in ``aud``."""
    api_rate_per_s: Annotated[float, Field(gt=0)] = 5_000.0
    """Requests a second of one key or user; beyond them the gateway answers 429."""
    api_max_body_bytes: Annotated[int, Field(ge=1_024)] = 1_048_576
    """A longer body of a request is refused with 413 before it is read."""
    api_idempotency_keep_s: Annotated[float, Field(gt=0)] = 86_400.0
    """How long an ``Idempotency-Key`` and the answer under it are known."""
    traces_endpoint: Annotated[
        Annotated[str, Field(pattern=r"^https?://")] | None, BeforeValidator(lambda text: text or None)
    ] = None
    """Base URL of an OpenTelemetry collector (OTLP over HTTP) that gets spans; needs the extra ``traces``."""
    traces_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of the traces that are sampled, of those that begin in Weir."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    """How the roles log: lines for people, or an object a line, for what collects logs."""

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

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_audience is None):
            raise ValueError("Expected both WEIR_OIDC_ISSUER and WEIR_OIDC_AUDIENCE, or none of them")
        return self

    @property
    def web_ports(self) -> range:
        """The ports that ``web_port`` names."""
        return range(0) if self.web_port is None else _ports(self.web_port)

    @model_validator(mode="after")
    def _certificates_are_whole(self) -> Self:
        for files in (self.kafka_tls, self.mqtt_tls):
            if (files.certfile is None) != (files.keyfile is None):
                raise ValueError(f"Expected both {files.prefix}_CERTFILE and {files.prefix}_KEYFILE, or none of them")
        return self

    @property
    def kafka_tls(self) -> TlsFiles:
        """For ``SSL`` and ``SASL_SSL``."""
        return TlsFiles("WEIR_KAFKA_SSL", self.kafka_ssl_cafile, self.kafka_ssl_certfile, self.kafka_ssl_keyfile)

    @property
    def mqtt_tls(self) -> TlsFiles:
        """For ``mqtts://``."""
        return TlsFiles("WEIR_MQTT_SSL", self.mqtt_ssl_cafile, self.mqtt_ssl_certfile, self.mqtt_ssl_keyfile)

    def secrets(self) -> set[str]:
        """Every text that must not be seen: what a redactor looks for."""
        found = secrets_of_url(self.database_url) | secrets_of_url(self.mqtt_url)
        if self.kafka_sasl_password is not None:
            found.add(self.kafka_sasl_password.get_secret_value())
        if self.api_admin_key is not None:
            found.add(self.api_admin_key.get_secret_value())
        return found.union(*map(secrets_of_url, self.databases.values()))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """A copy that was given a plain text hides it too."""
        for name, value in super().__repr_args__():
            yield name, SecretUrl(value) if name in ("database_url", "mqtt_url") else value

    @cached_property
    def plant_clock(self) -> PlantClock:
        """The clock that events, timers and telemetry share."""
        return PlantClock.parse(self.clock)


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a field of ``Settings``."""
    alias = field.validation_alias
    if alias is None:
        return f"{PREFIX}{name.upper()}"
    choices = getattr(alias, "choices", None)
    if not choices or not isinstance(choices[0], str):
        raise TypeError(f"Expected the setting {name} to name its environment variable first, but got {alias!r}")
    return choices[0]
