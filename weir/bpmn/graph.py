"""From a definition to a diagram: the elements, level by level, and the flows between them."""

import json
from collections.abc import Callable, Iterable, Sequence

from streams.core.activities import Activity, Cases, Compensate, Continuing, Decision, Foreach, Guarded, Parallel, Start
from streams.core.activities.base import ANY_ERROR
from streams.core.definition import ProcessDefinition
from streams.core.flow.errors import TIMEOUT
from streams.core.triggers import Trigger
from streams.core.yaml_text import yaml_text
from weir.bpmn import starts
from weir.bpmn.elements import form_of, has_border
from weir.bpmn.model import Association, Diagram, Element, Event, Flow, Level
from weir.bpmn.moments import duration
from weir.bpmn.names import Names

ELSE = "else"
MAX_LABEL = 60
To = Callable[[str | None], str]
"""From the activity that a way names to the id of the element that it leads to."""


def draw(definition: ProcessDefinition) -> Diagram:
    """The diagram of a definition."""
    names = Names(definition.id, [one.id for one in definition.all_activities()])
    head = definition.model_dump(
        mode="json",
        exclude={"id", "name", "description", "triggers", "activities"},
        exclude_defaults=True,
        by_alias=True,
    )
    return Diagram(
        id=names.process,
        name=definition.name,
        notes=() if definition.description is None else (definition.description,),
        details=yaml_text(json.loads(json.dumps(head))),
        level=_Drawing(names).process(definition),
    )


class _Drawing:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._gates: dict[str, str] = {}

    def process(self, definition: ProcessDefinition) -> Level:
        level = Level()
        start, *others = definition.activities
        end = self._names.fresh("_end")
        self._fill(level, others, end)
        assert isinstance(start, Start)
        opened = [self._start(start, at, one) for at, one in enumerate(definition.triggers)]
        for one in opened:
            self._flow(level, one.id, self._entry_of(others, start.next) or end)
        level.elements[:0] = opened
        self._close(level, end)
        return level

    def _start(self, model: Start, at: int, trigger: Trigger) -> Element:
        return Element(
            id=self._names.fresh(f"_{model.id}.{at + 1}") if at else self._names.of(model.id),
            tag="startEvent",
            name=model.name or (trigger.type if trigger.enabled else f"{trigger.type} (off)"),
            notes=() if model.description is None else (model.description,),
            details=starts.details(trigger),
            events=starts.STARTS[trigger.type](trigger),
        )

    def _entry_of(self, activities: Iterable[Activity], wanted: str | None) -> str | None:
        return next((self._entry(one) for one in activities if one.id == wanted), None)

    def _entry(self, model: Activity) -> str:
        """The element that a way to the activity leads to: the gateway of its condition, if it has one."""
        return self._gates.get(model.id) or self._names.of(model.id)

    def _fill(self, level: Level, activities: Sequence[Activity], end: str) -> str:
        """Draw a body whose end is ``end``; the element that it begins with."""
        for one in activities:
            if isinstance(one, Continuing) and one.condition is not None:
                self._gates[one.id] = self._names.fresh(f"_if.{one.id}")
        ways = {one.id: self._entry(one) for one in activities}
        for one in activities:
            self._activity(level, one, lambda target: ways.get(target or "", end))
        return self._entry(activities[0]) if activities else end

    def _close(self, level: Level, end: str, events: tuple[Event, ...] = ()) -> None:
        """Add the end where something leads to it."""
        if any(one.target == end for one in level.flows):
            level.elements.append(Element(id=end, tag="endEvent", events=events))

    def _held(self, owner: str, activities: Sequence[Activity]) -> Level:
        """What an element holds that goes through a body once."""
        level = Level()
        start, end = (self._names.fresh(f"_{name}.{owner}") for name in ("start", "end"))
        level.elements.append(Element(id=start, tag="startEvent"))
        first = self._fill(level, activities, end)
        self._flow(level, start, first)
        self._close(level, end)
        return level

    def _activity(self, level: Level, model: Activity, to: To) -> None:
        element = self._element(model)
        gate = self._gates.get(model.id)
        if gate is not None and isinstance(model, Continuing):
            level.elements.append(Element(id=gate, tag="exclusiveGateway", name=f"{element.name}?"))
            self._flow(level, gate, element.id, model.condition)
            self._otherwise(level, level.elements[-1], to(model.next))
        level.elements.append(element)
        if isinstance(model, Decision):
            self._flow(level, element.id, to(model.true_path), model.condition)
            self._failing(level, model, element, to)
            self._otherwise(level, element, to(model.false_path))
        elif isinstance(model, Cases):
            for case in model.cases:
                self._flow(level, element.id, to(case.next), case.when)
            self._failing(level, model, element, to)
            self._otherwise(level, element, to(model.default))
        elif isinstance(model, Continuing):
            self._flow(level, element.id, to(model.next))
            self._border(level, model, element, to)

    def _element(self, model: Activity) -> Element:
        element = form_of(model).element(self._names.of(model.id), model)
        if isinstance(model, Compensate) and model.activity is not None:
            element.events = (Event("compensate", activity=self._names.of(model.activity)),)
        elif isinstance(model, Foreach):
            element.inner = self._held(model.id, model.activities)
        elif isinstance(model, Parallel):
            element.inner = self._branches(model)
        if element.tag.endswith("Event") and has_border(model):
            return self._wrapped(model, element)
        return element

    def _wrapped(self, model: Activity, element: Element) -> Element:
        """An event has no border for other events: a sub-process around it has."""
        around = Element(id=element.id, tag="subProcess", name=element.name)
        element.id = self._names.fresh(f"_event.{model.id}")
        start, end = (self._names.fresh(f"_{name}.{model.id}") for name in ("start", "end"))
        level = Level([Element(id=start, tag="startEvent"), element, Element(id=end, tag="endEvent")])
        self._flow(level, start, element.id)
        self._flow(level, element.id, end)
        around.inner = level
        return around

    def _branches(self, model: Parallel) -> Level:
        level = Level()
        start, fork, join, end = (self._names.fresh(f"_{one}.{model.id}") for one in ("start", "fork", "join", "end"))
        level.elements += [Element(id=start, tag="startEvent"), Element(id=fork, tag="parallelGateway")]
        self._flow(level, start, fork)
        for name, body in model.branches.items():
            merge = self._names.fresh(f"_merge.{model.id}.{name}")
            self._flow(level, fork, self._fill(level, body, merge), name=name)
            ending = [one for one in level.flows if one.target == merge]
            if len(ending) == 1:
                ending[0].target = join
            elif ending:  # only one of them comes: a join would wait for all
                level.elements.append(Element(id=merge, tag="exclusiveGateway"))
                self._flow(level, merge, join)
        wanted = {"all": len(model.branches), "any": 1}.get(str(model.join)) or int(model.join)
        if wanted == len(model.branches):
            level.elements.append(Element(id=join, tag="parallelGateway"))
        else:
            needed = f"activationCount >= {wanted}"
            level.elements.append(Element(id=join, tag="complexGateway", name=f"{wanted} of them", activation=needed))
        self._flow(level, join, end)
        self._close(level, end, () if wanted == len(model.branches) else (Event("terminate"),))
        return level

    def _border(self, level: Level, model: Continuing, host: Element, to: To) -> None:
        handled = dict(model.on_error)
        if (limit := model.limit()) is not None:
            event = Event("timer", ("timeDuration", duration(limit)))
            late = self._on(level, host, f"_late.{model.id}", "timeout", event)
            target = model.on_timeout or handled.pop(TIMEOUT, None) or handled.get(ANY_ERROR)
            if target is None:
                broken = self._names.fresh(f"_timeout.{model.id}")
                level.elements.append(
                    Element(id=broken, tag="endEvent", name="timeout", events=(Event("error", reference=TIMEOUT),))
                )
            self._flow(level, late, broken if target is None else to(target))
        for kind, target in handled.items():
            event = Event("error", reference=None if kind == ANY_ERROR else kind)
            name = "error" if kind == ANY_ERROR else kind
            self._flow(level, self._on(level, host, f"_error.{model.id}", name, event), to(target))
        if model.compensation:
            undone = self._on(level, host, f"_undone.{model.id}", "compensation", Event("compensate"))
            undoes = self._undoes(model)
            undoes.attributes["isForCompensation"] = "true"
            level.elements.append(undoes)
            level.associations.append(Association(self._names.fresh(f"_undo.{model.id}.by"), undone, undoes.id))

    def _on(self, level: Level, host: Element, wanted: str, name: str, event: Event) -> str:
        found = Element(
            id=self._names.fresh(wanted), tag="boundaryEvent", name=name, events=(event,), attached_to=host.id
        )
        level.elements.append(found)
        return found.id

    def _undoes(self, model: Continuing) -> Element:
        """The one activity that undoes, or a sub-process around several."""
        one = model.compensation[0]
        plain = isinstance(one, Continuing) and one.condition is None and not has_border(one)
        if len(model.compensation) == 1 and plain and not (found := self._element(one)).tag.endswith("Event"):
            return found
        inner = self._held(f"undo.{model.id}", model.compensation)
        return Element(
            id=self._names.fresh(f"_undo.{model.id}"), tag="subProcess", name=f"undo {model.id}", inner=inner
        )

    def _failing(self, level: Level, model: Guarded, gateway: Element, to: To) -> None:
        for kind, target in model.on_error.items():
            condition = 'error.type != ""' if kind == ANY_ERROR else f"error.type == {json.dumps(kind)}"
            self._flow(level, gateway.id, to(target), condition)

    def _otherwise(self, level: Level, gateway: Element, target: str) -> None:
        gateway.attributes["default"] = self._flow(level, gateway.id, target, name=ELSE)

    def _flow(
        self, level: Level, source: str, target: str, condition: str | None = None, name: str | None = None
    ) -> str:
        flow = Flow(self._names.fresh(f"_flow.{source}.{target}"), source, target, name, condition)
        if condition is not None:
            flow.condition = condition.strip()
            flow.name = _label(flow.condition)
        level.flows.append(flow)
        return flow.id


def _label(condition: str) -> str:
    text = " ".join(condition.split())
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"
