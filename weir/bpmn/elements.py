"""Which element of BPMN each kind of activity is.  A new kind is a function here and a line in ``ELEMENTS``.

A kind that an extension adds is a ``task``, until it has a line.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.core.activities import (
    Activity,
    Continuing,
    Foreach,
    Message,
    Parallel,
    Rules,
    Service,
    Subprocess,
    Timer,
    Transform,
    UserTask,
)
from streams.core.yaml_text import yaml_text
from weir.bpmn.model import Element, Event, Loop
from weir.bpmn.moments import duration
from weir.bpmn.names import ncname

CEL = "https://github.com/google/cel-spec"
ACTIONS = {"emit": "sendTask", "script": "scriptTask"}
"""Services that BPMN has an element of its own for; the others are ``serviceTask``."""


@dataclass(slots=True)
class Form:
    """An element without its place: ``tag`` and what belongs to it."""

    tag: str
    events: tuple[Event, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    loop: Loop | None = None
    script: tuple[str, str] | None = None
    message: str | None = None

    def element(self, element_id: str, model: Activity) -> Element:
        """The element of an activity."""
        return Element(
            id=element_id,
            tag=self.tag,
            name=title(model),
            notes=() if model.description is None else (model.description,),
            details=details(model),
            events=self.events,
            attributes=dict(self.attributes),
            loop=self.loop,
            script=self.script,
            message=self.message,
        )


def _service(model: Service) -> Form:
    tag = ACTIONS.get(model.action, "serviceTask")
    source = getattr(model.config, "source", None)
    return Form(tag, script=("text/x-python", source) if tag == "scriptTask" and source is not None else None)


def _transform(model: Transform) -> Form:
    content = model.model_dump(mode="json", include={"set", "map"}, exclude_defaults=True, by_alias=True)
    return Form("scriptTask", script=("application/yaml", yaml_text(content)))


def _timer(model: Timer) -> Form:
    if model.until is not None:
        told = ("timeDate", model.until)
    else:
        fixed = model.fixed_ms()
        told = ("timeDuration", str(model.duration) if fixed is None else duration(fixed))
    return Form("intermediateCatchEvent", (Event("timer", told),))


def _message(model: Message) -> Form:
    if has_border(model):
        return Form("receiveTask", message=model.name)
    return Form("intermediateCatchEvent", (Event("message", reference=model.name),))


def _foreach(model: Foreach) -> Form:
    return Form("subProcess", loop=Loop(f"size({model.items})", sequential=model.concurrency == 1))


def _subprocess(model: Subprocess) -> Form:
    return Form("callActivity", attributes={"calledElement": ncname(model.process)})


def _parallel(_model: Parallel) -> Form:
    return Form("subProcess")


def _user_task(_model: UserTask) -> Form:
    return Form("userTask")


def _rules(_model: Rules) -> Form:
    return Form("businessRuleTask")


ELEMENTS: dict[str, Callable[[Any], Form]] = {
    "start": lambda _model: Form("startEvent"),
    "end": lambda _model: Form("endEvent"),
    "decision": lambda _model: Form("exclusiveGateway"),
    "service": _service,
    "timer": _timer,
    "message": _message,
    "parallel": _parallel,
    "foreach": _foreach,
    "compensate": lambda _model: Form("intermediateThrowEvent", (Event("compensate"),)),
    "rules": _rules,
    "transform": _transform,
    "user_task": _user_task,
    "subprocess": _subprocess,
}


def form_of(model: Activity) -> Form:
    """The element of an activity, by its kind."""
    made = ELEMENTS.get(model.type)
    return Form("task") if made is None else made(model)


def has_border(model: Activity) -> bool:
    """Do events sit on the border of its element?"""
    return isinstance(model, Continuing) and bool(
        model.on_error or model.limit() is not None or model.on_timeout or model.compensation
    )


def title(model: Activity) -> str:
    """What its element is called.  A message's ``name`` is not the activity's."""
    return model.id if isinstance(model, Message) or model.name is None else model.name


SHOWN = frozenset({"id", "type", "description", "next", "true_path", "false_path", "on_timeout"})
"""Fields that the diagram shows in another way than as details."""


def details(model: Activity) -> str | None:
    """The fields that no element shows, as YAML; ``None`` where there are none."""
    left: Mapping[str, Any] = model.model_dump(
        mode="json", exclude={*SHOWN, *model.body_fields}, exclude_defaults=True, by_alias=True
    )
    return yaml_text(json.loads(json.dumps(left))) if left else None
