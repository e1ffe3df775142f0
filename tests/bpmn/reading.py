"""Diagrams as another engine reads them: SpiffWorkflow, after the schema of BPMN 2.0.

It knows no compensation, no complex gateway and, without DMN, no business rules: those are read as what is nearest.
"""

from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser, BpmnValidator
from SpiffWorkflow.bpmn.parser.event_parsers import BoundaryEventParser
from SpiffWorkflow.bpmn.parser.task_parsers import GatewayParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, NoneTask, ParallelGateway
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import SignalEventDefinition

VALIDATOR = BpmnValidator()
SPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}


class _Boundary(BoundaryEventParser):
    def get_event_definition(self, xpaths: list[str]) -> Any:
        if self.xpath("./bpmn:compensateEventDefinition"):
            return SignalEventDefinition("compensation")
        return super().get_event_definition(xpaths)


class Reader(BpmnParser):
    """With what it does not know."""

    OVERRIDE_PARSER_CLASSES = {  # noqa: RUF012 - its name in the library
        full_tag("boundaryEvent"): (_Boundary, BoundaryEvent),
        full_tag("businessRuleTask"): (TaskParser, NoneTask),
        full_tag("complexGateway"): (GatewayParser, ParallelGateway),
    }


def read(text: str) -> Any:
    """The process's specification; raises where the schema or the parser refuses it."""
    parser = Reader(validator=VALIDATOR)
    parser.add_bpmn_xml(etree.fromstring(text.encode()))
    (process,) = parser.get_process_ids()
    return parser.get_spec(process)
