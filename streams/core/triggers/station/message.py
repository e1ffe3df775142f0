"""``message_received``: somebody has written to the station; ``bot_trigger_fired``: and a bot knows what to say."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from streams.core.expressions import ExpressionError, ExpressionSyntaxError, compile_expression
from streams.core.triggers.station.base import Filter, Names, StationTrigger, Test, any_in, literal, one_of


def _matches(pattern: str) -> str:
    return f"fields.text.matches({literal(pattern)})"


def _contains(text: str) -> str:
    return f"fields.text.contains({literal(text)})"


def _pattern(text: str) -> str:
    try:
        compile_expression(_matches(text)).test({"fields": {"text": ""}})
    except (ExpressionSyntaxError, ExpressionError):
        raise PydanticCustomError(
            "pattern", "Expected a regular expression (RE2), but got {pattern}", {"pattern": repr(text)}
        ) from None
    return text


_Text = Annotated[str, Field(min_length=1, max_length=500)]


class MessageFilter(Filter):
    """Who wrote where, and what: ``contains`` a text, or a ``pattern`` (a regular expression) found in it."""

    tests: ClassVar[Mapping[str, Test]] = {
        "user_id": one_of("tags.user_id"),
        "group_id": any_in("fields.groups"),
        "channel": one_of("tags.channel"),
        "contains": _contains,
        "pattern": _matches,
    }

    user_id: Names | None = None
    group_id: Names | None = None
    channel: Names | None = None
    contains: _Text | None = None
    pattern: Annotated[_Text, AfterValidator(_pattern)] | None = None


class MessageReceivedTrigger(StationTrigger):
    """Fields: ``text``, ``user_name``, ``groups``; ``tags.message_id``."""

    type: Literal["message_received"]
    config: MessageFilter = Field(default_factory=MessageFilter)


class BotFilter(Filter):
    """Which bot, which of its triggers, and who set it off."""

    tests: ClassVar[Mapping[str, Test]] = {
        "bot_id": one_of("tags.bot_id"),
        "trigger": one_of("tags.trigger"),
        "user_id": one_of("tags.user_id"),
        "group_id": any_in("fields.groups"),
    }

    bot_id: Names | None = None
    trigger: Names | None = None
    user_id: Names | None = None
    group_id: Names | None = None


class BotTriggerFiredTrigger(StationTrigger):
    """Fields: ``text`` (what set it off), ``bot_name``, ``groups``."""

    type: Literal["bot_trigger_fired"]
    config: BotFilter = Field(default_factory=BotFilter)
