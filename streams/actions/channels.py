"""The channels of ``notify``: ``WEIR_CHANNELS_FILE``, a YAML file with an entry for each.

    operators: {type: email, host: smtp.example.com, username: weir, password: "${secrets.smtp}",
                from: weir@example.com, to: [operators@example.com], people: "${user}@example.com"}
    chat:      {type: webhook, url: "https://chat.example.com/hooks/${secrets.chat_hook}"}
    panel:     {type: mqtt, topic: hall/3/panel}

A channel that is not in the file is an error, but for ``alert``, which is the MQTT topic ``weir/notify/alert`` then.
Without a file every channel is a topic like that.  ``people`` of an email channel is the address of a user by their id:
what is told of a task goes to those whose it is, and only where there are none to ``to``.  An id that is an address
itself stays as it is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, ValidationError

from streams.actions.base import invalid_config
from streams.core.document import TextError, read_yaml
from streams.core.expressions import ExpressionSyntaxError, compile_template, filled
from streams.core.misfit import bare
from streams.core.suggest import suggest
from streams.refused import RefusedError
from streams.secrets import Secrets

TOPIC = "weir/notify/"
DEFAULT_CHANNEL = "alert"
PORTS = {"starttls": 587, "tls": 465, "none": 25}

Tls = Literal["starttls", "tls", "none"]


class ChannelsError(RefusedError):
    """The file of channels cannot be used; the message says why, and repeats no value of it."""


def _only_secrets(value: Any) -> Any:
    try:
        template = compile_template(value, secrets=True)
    except ExpressionSyntaxError as error:
        raise ValueError(str(error)) from None
    if template.names:
        raise ValueError(f"Expected no variables but secrets, but got {', '.join(sorted(template.names))}")
    return value


Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$")]
"""RFC 5321's mailbox without quotes, in ASCII."""
SecretField = Annotated[str, AfterValidator(_only_secrets)]
USER = "${user}"


def _with_user(value: str) -> str:
    if USER not in value:
        raise ValueError(f"Expected {USER} in it, in the place of a user's id")
    return value


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class EmailChannel(_Channel):
    """An account to send from; ``tls`` is ``starttls`` (port 587), ``tls`` from the start (465), or ``none`` (25)."""

    type: Literal["email"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    tls: Tls = "starttls"
    cafile: Path | None = None
    username: str | None = None
    password: Annotated[SecretField | None, Field(repr=False)] = None
    sender: Annotated[Address, Field(alias="from")]
    to: tuple[Address, ...] = ()
    people: Annotated[str, AfterValidator(_with_user)] | None = None

    def address(self, user: str) -> str:
        """Of a user, where ``people`` says so."""
        return user if self.people is None or "@" in user else self.people.replace(USER, user)


class WebhookChannel(_Channel):
    """An HTTP service that is told by POST."""

    type: Literal["webhook"]
    url: Annotated[SecretField, Field(repr=False)]
    headers: Annotated[dict[str, SecretField], Field(repr=False)] = Field(default_factory=dict)


class MqttChannel(_Channel):
    """A topic of the plant's MQTT broker."""

    type: Literal["mqtt"]
    topic: str


Channel = EmailChannel | WebhookChannel | MqttChannel


class _File(RootModel[dict[str, Annotated[Channel, Field(discriminator="type")]]]):
    pass


class Channels:
    """Channels by name."""

    def __init__(self, named: Mapping[str, Channel] | None = None) -> None:
        """Without ``named`` nothing is configured."""
        self._named = named

    def get(self, name: str) -> Channel:
        """Raises ``ActionError``."""
        if self._named is None:
            return MqttChannel(type="mqtt", topic=TOPIC + name)
        if name in self._named:
            return self._named[name]
        if name == DEFAULT_CHANNEL:
            return MqttChannel(type="mqtt", topic=TOPIC + DEFAULT_CHANNEL)
        hint = suggest(name, sorted(self._named), "channel")
        raise invalid_config(f"Unknown channel {name!r}: add it to WEIR_CHANNELS_FILE. {hint}")


def with_secrets(value: Any, secrets: Secrets, used: set[str]) -> Any:
    """``value`` (a text, or an object of texts) with its secrets, which are added to ``used``.

    Raises ``UnknownSecretError``.
    """
    template = compile_template(value, secrets=True)
    values = {name: secrets.value(name) for name in template.secrets}
    used.update(values.values())
    return filled(template.render({}), template.marks({}), values)


def load_channels(path: Path | None) -> Channels:
    """Read the file.  Raises ``ChannelsError``."""
    if path is None:
        return Channels()
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
        return Channels(_File.model_validate(document.data).root)
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelsError(f"WEIR_CHANNELS_FILE={path} cannot be read: {error}") from None
    except TextError as error:
        raise ChannelsError(f"{path}:{error.mark.line + 1}:{error.mark.column + 1}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise ChannelsError(f"{path}: {'.'.join(map(str, first['loc']))}: {bare(first['msg'])}") from None
