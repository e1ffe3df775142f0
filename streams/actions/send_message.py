"""``send_message``: rows of ``messages``, and a message over MQTT for each recipient.

It goes as JSON to ``weir/message/user/<user id>`` or ``weir/message/channel/<channel>`` once it is in the database.
Whoever carries it on (a radio, a bot, an app) drops what it has seen by ``message_id``: over MQTT it may come twice.
"""

import asyncio
from typing import Any, NamedTuple

import orjson

from streams.actions.base import ActionRequest, Effect, text_of
from streams.actions.mqtt_publish import SHARE_OF_TIME
from streams.actions.publisher import MqttMessage, check_message
from streams.actions.station import Addressees, StationSide, once, optional_id
from streams.core.durations import instant_text
from streams.station.events import stable_id
from streams.station.model import Message
from streams.station.tables import Tables

TOPIC = "weir/message/"


class Letter(NamedTuple):
    """What is said to whom; ``more`` goes out with it and is nowhere kept."""

    to: Addressees
    text: str
    sender: str
    kind: str = "message"
    title: str | None = None
    bot_id: str | None = None
    topic: str = TOPIC
    more: dict[str, Any] = {}  # noqa: RUF012  nobody changes it


class SendMessage:
    """Config: ``message``; ``user_id``, ``group_id``, ``zone_id`` or ``channel``; ``sender``.

    Output: ``recipients`` (user ids), ``channel``, ``message_ids`` and ``time``.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        return await send(self._to, request, _letter(request))

    def dry_run(self, request: ActionRequest) -> Effect:
        return effect_of(_letter(request))


def _letter(request: ActionRequest) -> Letter:
    sender = optional_id(request.config, "sender") or request.definition_id
    return Letter(Addressees.of(request.config), text_of(request.config, "message"), sender)


async def send(to: StationSide, request: ActionRequest, letter: Letter) -> dict[str, Any]:
    """Write it down once, then send it.  Raises ``ActionError``."""
    now_ms = to.plant_ms()

    async def write(tables: Tables) -> dict[str, Any]:
        return await write_down(tables, request, letter, now_ms)

    written = await once(to, request, write)
    await carry(to, request, letter, written)
    return written


async def write_down(tables: Tables, request: ActionRequest, letter: Letter, now_ms: int) -> dict[str, Any]:
    """One message a recipient, or one for the channel; the action's output.  Raises ``ActionError``."""
    recipients = await letter.to.users(tables)
    targets: list[str | None] = [None] if letter.to.channel is not None else [*recipients]
    ids = [stable_id(request.idempotency_key, target or "") for target in targets]
    written = {
        "recipients": recipients,
        "channel": letter.to.channel,
        "message_ids": ids,
        "time": instant_text(now_ms),
    }
    for message in _out(request, letter, written):
        check_message(message)
    await tables.add_messages(
        [
            Message(
                id=message_id,
                direction="out",
                kind="notification" if letter.kind == "notification" else "message",
                text=letter.text,
                time_ms=now_ms,
                user_id=target,
                channel=letter.to.channel,
                bot_id=letter.bot_id,
                title=letter.title,
                sender=letter.sender,
            )
            for message_id, target in zip(ids, targets, strict=True)
        ]
    )
    return written


async def carry(to: StationSide, request: ActionRequest, letter: Letter, written: dict[str, Any]) -> None:
    """Send what is written down.  Raises ``ActionError``."""
    time_s = request.time_left_s * SHARE_OF_TIME
    await asyncio.gather(*(to.mqtt.publish(message, time_s) for message in _out(request, letter, written)))


def effect_of(letter: Letter) -> Effect:
    """What sending it would do."""
    details = {"text": letter.text, "title": letter.title, "sender": letter.sender, **letter.more}
    return Effect(f"sends a {letter.kind} to {letter.to}", details)


def _out(request: ActionRequest, letter: Letter, written: dict[str, Any]) -> list[MqttMessage]:
    places = [f"user/{user_id}" for user_id in written["recipients"]]
    if written["channel"] is not None:
        places = [f"channel/{written['channel']}"]
    said = {
        "kind": letter.kind,
        "title": letter.title,
        "message": letter.text,
        "sender": letter.sender,
        "bot_id": letter.bot_id,
        **letter.more,
        "instance_id": request.instance_id,
        "time": written["time"],
    }
    return [
        MqttMessage(letter.topic + place, orjson.dumps({"message_id": message_id, **said}))
        for message_id, place in zip(written["message_ids"], places, strict=True)
    ]
