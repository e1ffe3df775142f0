"""``notify``: a message to people, through a channel of ``streams.actions.channels``.

    mqtt      JSON to a topic, QoS 1: a bot, Home Assistant or Node-RED brings it to the people
    webhook   the same JSON by POST, with ``text`` for chats; private addresses as ``http_request`` reaches them
    email     a mail by SMTP

It may come twice: with the same ``idempotency_key``, header ``Idempotency-Key`` or ``Message-ID``.
"""

from collections.abc import Callable
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from streams.actions.base import ActionError, ActionRequest, Effect, invalid_config, text_of
from streams.actions.channels import (
    DEFAULT_CHANNEL,
    PORTS,
    Address,
    Channel,
    Channels,
    EmailChannel,
    MqttChannel,
    WebhookChannel,
    with_secrets,
)
from streams.actions.http_client import HttpCall, HttpClient
from streams.actions.http_request import call_of, output_of
from streams.actions.http_request import effect_of as effect_of_call
from streams.actions.mailer import Mailer, MailServer, mail_of, recipients_of
from streams.actions.mqtt_publish import SHARE_OF_TIME, effect_of
from streams.actions.publisher import MqttMessage, Publisher
from streams.core.durations import instant_text
from streams.secrets import Secrets, UnknownSecretError, hide

MAX_RECIPIENTS = 50
_addresses: TypeAdapter[list[str]] = TypeAdapter(list[Address])


class Notify:
    """Config: ``message``, ``channel`` (default ``alert``), ``title`` (the subject of a mail), ``to`` (recipients of a
    mail, instead of the channel's), ``people`` (users whom it is about; a channel may have addresses for them).
    """

    def __init__(
        self,
        publisher: Publisher,
        http: HttpClient,
        mailer: Mailer,
        channels: Channels,
        secrets: Secrets,
        plant_ms: Callable[[], int],
    ) -> None:
        """``plant_ms`` is the plant's time in Unix milliseconds."""
        self._publisher, self._http, self._mailer = publisher, http, mailer
        self._channels, self._secrets, self._plant_ms = channels, secrets, plant_ms

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        name, channel = self._channel(request)
        used: set[str] = set()
        try:
            return {"channel": name, **await self._send(request, channel, used)}
        except UnknownSecretError as error:
            raise ActionError(f"Channel {name}: {error}", "unknown_secret") from None
        except ActionError as error:
            raise ActionError(hide(str(error), used), error.error_type) from None

    async def _send(self, request: ActionRequest, channel: Channel, used: set[str]) -> dict[str, Any]:
        timeout_s = request.time_left_s * SHARE_OF_TIME
        match channel:
            case MqttChannel():
                await self._publisher.publish(self._mqtt_message(request, channel), timeout_s)
                return {}
            case WebhookChannel():
                filled = {"url": channel.url, "headers": channel.headers}
                call = self._call(request, with_secrets(filled, self._secrets, used))
                return {"status": output_of(await self._http.send(call, timeout_s), call, None)["status"]}
            case EmailChannel():
                mail = _mail(request, channel)
                password = with_secrets(channel.password, self._secrets, used)
                used.update([password] if password else [])  # also one that stands in the file as it is
                server = _server(channel, password)
                refused = await self._mailer.send(server, mail, timeout_s)
                return {"message_id": str(mail["Message-ID"]), "to": recipients_of(mail), "refused": refused}

    def dry_run(self, request: ActionRequest) -> Effect:
        _, channel = self._channel(request)
        match channel:
            case MqttChannel():
                return effect_of(self._mqtt_message(request, channel))
            case WebhookChannel():
                return effect_of_call(self._call(request, {"url": channel.url, "headers": channel.headers}))
            case EmailChannel():
                mail = _mail(request, channel)
                details = {name.lower(): str(mail[name]) for name in ("From", "To", "Subject", "Message-ID")}
                does = f"sends a mail to {mail['To']} by {_server(channel, None)}"
                return Effect(does, {**details, "text": mail.get_content()})

    def _channel(self, request: ActionRequest) -> tuple[str, Channel]:
        name = text_of(request.config, "channel", DEFAULT_CHANNEL)
        channel = self._channels.get(name)
        if request.config.get("to") is not None and not isinstance(channel, EmailChannel):
            raise invalid_config(f"Expected no config.to, but got some: channel {name!r} sends no mail")
        return name, channel

    def _notice(self, request: ActionRequest) -> dict[str, Any]:
        config = request.config
        return {
            "channel": config.get("channel", DEFAULT_CHANNEL),
            "title": text_of(config, "title") if config.get("title") is not None else None,
            "message": text_of(config, "message"),
            "instance_id": request.instance_id,
            "definition_id": request.definition_id,
            "activity_id": request.activity_id,
            "idempotency_key": request.idempotency_key,
            "time": instant_text(self._plant_ms()),
        }

    def _mqtt_message(self, request: ActionRequest, channel: MqttChannel) -> MqttMessage:
        return MqttMessage(channel.topic, orjson.dumps(self._notice(request)))

    def _call(self, request: ActionRequest, target: dict[str, Any]) -> HttpCall:
        notice = self._notice(request)
        text = notice["message"] if notice["title"] is None else f"{notice['title']}\n{notice['message']}"
        return call_of(
            {**target, "method": "POST", "body": notice | {"text": text}}, request.idempotency_key, request.traceparent
        )


def _mail(request: ActionRequest, channel: EmailChannel) -> Any:
    text = text_of(request.config, "message")
    first_line = text.strip().partition("\n")[0][:100]
    subject = text_of(request.config, "title", f"{request.definition_id}: {first_line}")
    to = _recipients(request.config.get("to"), channel) if "to" in request.config else _people(request.config, channel)
    return mail_of(request, channel.sender, to or _recipients(None, channel), subject, text)


def _people(config: dict[str, Any], channel: EmailChannel) -> list[str]:
    """Those of the people who have an address: an id that makes none must not keep the others from being told."""
    people = config.get("people") if channel.people is not None else None
    found = (channel.address(user) for user in people or () if isinstance(user, str))
    return [one for one in dict.fromkeys(found) if _is_address(one)][:MAX_RECIPIENTS]


def _is_address(text: str) -> bool:
    try:
        _addresses.validate_python([text], strict=True)
    except ValidationError:
        return False
    return True


def _recipients(given: Any, channel: EmailChannel) -> list[str]:
    """An element of ``to`` may be a list itself: an expression that yields several."""
    if given is None:
        to = list(channel.to)
    else:
        items = given if isinstance(given, list) else [given]
        flat = [one for item in items for one in (item if isinstance(item, list) else [item])]
        try:
            to = _addresses.validate_python(flat, strict=True)
        except ValidationError as error:
            wrong = flat[int(error.errors()[0]["loc"][0])]
            raise invalid_config(f"Expected mail addresses in config.to, but got {wrong!r:.200}") from None
    if not 0 < len(to) <= MAX_RECIPIENTS:
        raise invalid_config(
            f"Expected 1 to {MAX_RECIPIENTS} recipients, but got {len(to)}. Write 'to:' in the channel or the config"
        )
    return to


def _server(channel: EmailChannel, password: str | None) -> MailServer:
    port = channel.port or PORTS[channel.tls]
    return MailServer(channel.host, port, channel.tls, channel.username, password, channel.cafile)
