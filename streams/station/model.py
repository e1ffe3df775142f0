"""What the station knows, as its tables hold it.  Times are plant time in Unix milliseconds."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from streams.station.geometry import Point, Shape

Severity = Literal["info", "warning", "error", "critical"]
AlertStatus = Literal["open", "acknowledged", "resolved"]
DEFAULT_MARGIN_M = 10.0


@dataclass(frozen=True, slots=True)
class Zone:
    """Somebody inside leaves a zone when they are more than ``margin_m`` metres outside: positions are not exact."""

    id: str
    name: str
    shape: Shape
    margin_m: float = DEFAULT_MARGIN_M
    active: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """``groups`` are the ids of those that they are a member of, sorted; ``seen_ms``: their last sign of life."""

    id: str
    name: str
    groups: tuple[str, ...] = ()
    online: bool = False
    seen_ms: int | None = None


class Fix(NamedTuple):
    """Where somebody was, when, and how exact that is in metres (0 when the device does not say)."""

    at: Point
    time_ms: int
    accuracy_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """``key`` is what it is about: there is one alert a key that is not resolved."""

    id: str
    severity: Severity
    title: str
    created_ms: int
    created_by: str
    message: str | None = None
    key: str | None = None
    zone_id: str | None = None
    user_id: str | None = None
    data: Any = None
    status: AlertStatus = "open"
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    resolved_ms: int | None = None
    resolved_by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class BotTrigger:
    """The bot knows ``response`` when somebody writes ``word``."""

    name: str
    word: str
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Bot:
    """Of two triggers that a message has the word of, both are set off."""

    id: str
    name: str
    triggers: tuple[BotTrigger, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """``user_id`` has written it (``in``), or it is for them (``out``); ``channel`` is where everybody reads it."""

    id: str
    direction: Literal["in", "out"]
    kind: Literal["message", "notification"]
    text: str
    time_ms: int
    user_id: str | None = None
    channel: str | None = None
    bot_id: str | None = None
    title: str | None = None
    sender: str | None = None
