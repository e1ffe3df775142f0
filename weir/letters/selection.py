"""Which letters somebody asks for."""

from dataclasses import dataclass

from weir.letters.letter import Letter, Place


@dataclass(frozen=True)
class Selection:
    """Every condition that is given must hold; times are Unix ms of wall time, ``until`` itself is out.

    ``places`` names letters one by one.  ``reason`` is a part of the reason's text, in any case.  ``topic`` is where
    the record came from; ``mqtt:`` stands for all that came over MQTT.
    """

    places: tuple[Place, ...] = ()
    role: str | None = None
    topic: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    reason: str | None = None

    def holds(self, letter: Letter) -> bool:
        """Whether ``letter`` is asked for, whatever became of it."""
        if self.places and letter.place not in self.places:
            return False
        topic = "" if letter.source is None else letter.source.topic
        return (
            self.role in (None, letter.role)
            and (self.topic in (None, topic) or (self.topic == "mqtt:" and topic.startswith("mqtt:")))
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
            and (self.reason is None or self.reason.casefold() in letter.reason.casefold())
        )

    @property
    def is_empty(self) -> bool:
        """Whether it asks for everything."""
        return self == Selection()
