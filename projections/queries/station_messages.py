"""What have people written to the station, and what has it written to them?  Times are plant time."""

from datetime import datetime

import asyncpg
import msgspec

from projections.statements import Parameters, conditions_of

_COLUMNS = "id, direction, kind, user_id, channel, bot_id, title, text, sender, time"


class StationMessage(msgspec.Struct, frozen=True, kw_only=True):
    """``direction`` is ``in`` for what ``user_id`` wrote, ``out`` for what is for them, or for all of the channel.

    ``kind`` is ``message`` or ``notification``; ``sender`` is the instance that had it sent, or a name.
    """

    id: str
    direction: str
    kind: str
    user_id: str | None
    channel: str | None
    bot_id: str | None
    title: str | None
    text: str
    sender: str | None
    time: datetime


class MessagePlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a message stands among all: what comes behind it is older."""

    time: datetime
    id: str

    @classmethod
    def of(cls, message: StationMessage) -> "MessagePlace":
        """The message's."""
        return cls(message.time, message.id)


async def station_messages(
    connection: asyncpg.Connection,
    *,
    user_id: str | None = None,
    channel: str | None = None,
    direction: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: MessagePlace | None = None,
    limit: int = 50,
) -> list[StationMessage]:
    """Messages of [``since``, ``until``), the newest first."""
    parameter = Parameters()
    given = (
        ("user_id = {}", user_id),
        ("channel = {}", channel),
        ("direction = {}", direction),
        ("kind = {}", kind),
        ("time >= {}", since),
        ("time < {}", until),
    )
    conditions = conditions_of(given, parameter)
    if before is not None:
        at = parameter(before.time)
        conditions += [f"(time, id) < ({at}, {parameter(before.id)})", f"time <= {at}"]  # the latter is for the index
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM messages {where} ORDER BY time DESC, id DESC LIMIT {parameter(limit)}",  # noqa: S608
        *parameter.values,
    )
    return [StationMessage(**row) for row in rows]
