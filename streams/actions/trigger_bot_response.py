"""``trigger_bot_response``: a bot's response goes out as a message, with the event ``bot_trigger_fired``."""

from typing import Any, NamedTuple

from streams.actions.base import ActionRequest, Effect, invalid_config
from streams.actions.send_message import Letter, carry, effect_of, write_down
from streams.actions.station import Addressees, StationSide, id_of, not_found, once, optional_text
from streams.station.events import bot_trigger_fired
from streams.station.model import Bot, Message
from streams.station.tables import Tables


class _Asked(NamedTuple):
    bot_id: str
    trigger: str
    to: Addressees


class TriggerBotResponse:
    """Config: ``bot_id``, ``trigger``, ``message`` (in place of the trigger's response); ``user_id``, ``group_id``,
    ``zone_id`` or ``channel``.

    Output: ``text``, ``recipients`` (user ids), ``channel``, ``message_ids`` and ``time``.
    """

    def __init__(self, to: StationSide) -> None:
        self._to = to

    async def perform(self, request: ActionRequest) -> dict[str, Any]:
        now_ms, asked = self._to.plant_ms(), _asked(request)

        async def respond(tables: Tables) -> dict[str, Any]:
            bot = await tables.bot(asked.bot_id)
            if bot is None:
                raise not_found("bot", asked.bot_id)
            text = _response(bot, request)
            written = await write_down(tables, request, _letter(asked.to, bot.id, text), now_ms)
            users = await tables.users([] if asked.to.user_id is None else [asked.to.user_id])
            message = Message("", "out", "message", text, now_ms, channel=asked.to.channel)
            user = users.get(asked.to.user_id or "")
            await tables.emit([bot_trigger_fired(bot, asked.trigger, None, user, message, request.idempotency_key)])
            return {"text": text, **written}

        written = await once(self._to, request, respond)
        await carry(self._to, request, _letter(asked.to, asked.bot_id, written["text"]), written)
        return written

    def dry_run(self, request: ActionRequest) -> Effect:
        asked = _asked(request)
        said = optional_text(request.config, "message") or f"the response of its trigger {asked.trigger}"
        return effect_of(_letter(asked.to, asked.bot_id, said))


def _asked(request: ActionRequest) -> _Asked:
    optional_text(request.config, "message")
    config = request.config
    return _Asked(id_of(config, "bot_id"), id_of(config, "trigger"), Addressees.of(config))


def _response(bot: Bot, request: ActionRequest) -> str:
    """What the bot says.  Raises ``ActionError``."""
    if (text := optional_text(request.config, "message")) is not None:
        return text
    name = request.config["trigger"]
    for trigger in bot.triggers:
        if trigger.name == name and trigger.response:
            return trigger.response
    raise invalid_config(f"Expected config.message, since the bot {bot.id!r} has no response to {name!r}")


def _letter(to: Addressees, bot_id: str, text: str) -> Letter:
    return Letter(to=to, text=text, sender=bot_id, bot_id=bot_id)
