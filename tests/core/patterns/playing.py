"""Series of readings played to a pattern, as the processor plays them: readings and due moments by plant time."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from streams.core.patterns import Firing, Pattern, Sighting, Window

MINUTE = 60_000
_TOKEN = re.compile(r"(?P<from>-?\d+)(?:(?P<step>[+-]\d+))?x(?P<times>\d+)")
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Window).decode


class Arrival(NamedTuple):
    """A reading of event time ``at`` that arrives at plant time ``now``, both in milliseconds."""

    now: int
    at: int
    truths: list[bool]
    value: float | int = 0

    @property
    def sighting(self) -> Sighting:
        return Sighting(self.at, self.truths, [self.value], b'{"v":%d}' % self.value)


def series(text: str) -> list[int | None]:
    """A value a minute: ``1 1 0``, ``1x3`` is ``1`` and three more, ``5+1x3`` goes up, ``_`` is no reading."""
    values: list[int | None] = []
    for token in text.split():
        if token == "_":
            values.append(None)
        elif match := _TOKEN.fullmatch(token):
            first, step = int(match["from"]), int(match["step"] or 0)
            values += [first + step * n for n in range(int(match["times"]) + 1)]
        else:
            values.append(int(token))
    return values


def arrivals(text: str, *conditions: str) -> list[Arrival]:
    """A series whose readings arrive at once.  A condition is ``>5``, ``<5``, ``=5``; without one a reading is true."""
    return [
        Arrival(minute * MINUTE, minute * MINUTE, [_holds(value, one) for one in conditions] or [True], value)
        for minute, value in enumerate(series(text))
        if value is not None
    ]


def _holds(value: int, condition: str) -> bool:
    limit = int(condition[1:])
    return {">": value > limit, "<": value < limit, "=": value == limit}[condition[0]]


class Player:
    """The windows of one key as the table keeps them: encoded after each step when ``restarts``."""

    def __init__(self, pattern: Pattern, *, restarts: bool = False) -> None:
        self.pattern, self.restarts = pattern, restarts
        self.window: Window | None = None
        self.firings: list[Firing] = []
        self.late = 0

    def take(self, one: Arrival) -> None:
        """A reading arrives; what is due before it has come."""
        self.pass_until(one.now - 1)
        window = self.window or self.pattern.open("w", one.at)
        firings = self.pattern.observe(window, one.sighting, one.now)
        if firings is None:
            self.late += 1
        else:
            self.firings += firings
        self._keep(window)

    def pass_until(self, now: int) -> None:
        """Time passes, and no reading comes."""
        while (window := self.window) is not None and (due := self.pattern.due(window)) is not None and due <= now:
            self.firings += self.pattern.advance(window, due)
            self._keep(window)

    def _keep(self, window: Window) -> None:
        kept = None if self.pattern.is_over(window) else window
        self.window = _decode(_encode(kept)) if self.restarts and kept is not None else kept


def play(pattern: Pattern, readings: Iterable[Arrival], until: int, *, restarts: bool = False) -> Player:
    """Play readings in the order in which they arrive, and then let time pass ``until``."""
    player = Player(pattern, restarts=restarts)
    for one in sorted(readings, key=lambda reading: reading.now):
        player.take(one)
    player.pass_until(until)
    return player


def minutes(player: Player) -> list[float]:
    """When it fired."""
    return [firing.at / MINUTE for firing in player.firings]
