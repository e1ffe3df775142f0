"""What a diagram consists of: elements and the flows between them, level by level.

Ids are those of the XML.  Names and documentation are for people; ``tag`` is the element's name in BPMN.
"""

from dataclasses import dataclass, field

Size = tuple[int, int]
TASK: Size = (100, 80)
EVENT: Size = (36, 36)
GATEWAY: Size = (50, 50)
"""The sizes that BPMN tools draw them in: width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Event:
    """What an event is about: ``kind`` is the beginning of the tag, as in ``timerEventDefinition``.

    ``detail`` is the tag and the text of what it holds, ``reference`` the name of the message, signal or error that it
    is about, ``activity`` the id of the element that a compensation undoes.
    """

    kind: str
    detail: tuple[str, str] | None = None
    reference: str | None = None
    activity: str | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """An element that is done for each of several items; ``count`` is an expression."""

    count: str
    sequential: bool


@dataclass(slots=True, kw_only=True)
class Element:
    """``inner`` is what an element holds, ``attached_to`` the id of the element on whose border an event sits.

    ``message`` is the name of the message that a task receives, ``activation`` when a complex gateway lets one pass.
    """

    id: str
    tag: str
    name: str | None = None
    notes: tuple[str, ...] = ()
    details: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    inner: "Level | None" = None
    loop: Loop | None = None
    script: tuple[str, str] | None = None
    message: str | None = None
    activation: str | None = None
    attached_to: str | None = None

    @property
    def size(self) -> Size:
        """Of an element that holds none."""
        if self.tag.endswith("Event"):
            return EVENT
        return GATEWAY if self.tag.endswith("Gateway") else TASK


@dataclass(slots=True)
class Flow:
    """From element to element; with a ``condition``, only if that holds."""

    id: str
    source: str
    target: str
    name: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Association:
    """From the event of a compensation to what undoes."""

    id: str
    source: str
    target: str


@dataclass(slots=True)
class Level:
    """What stands in the process, or within one element."""

    elements: list[Element] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Diagram:
    """A whole process; ``details`` are the fields of the definition that no element shows."""

    id: str
    name: str
    notes: tuple[str, ...]
    details: str
    level: Level
