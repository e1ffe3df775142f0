"""A definition as a BPMN 2.0 diagram, for tools that show and discuss processes: ``weir bpmn``.

``elements`` says which element each kind of activity and trigger is, ``graph`` draws the flows between them, ``layout``
gives them places, and ``xml`` writes both.  The same definition is always the same text.

A diagram says less than a definition.  What BPMN has no element for stands in the documentation of the element, as
YAML; so nothing is read back from a diagram.  Where BPMN says a thing in another way:

* An activity with a ``condition`` stands behind a gateway with a way around it.
* ``parallel`` is a sub-process with a fork and a join.  With ``join: any`` or a number the join is a complex gateway,
  and the end behind it terminates the branches that are still open.
* Gateways have no boundary events: what ``on_error`` of a decision leads to is one more way out of it.  A ``timer`` or
  a ``compensate`` that may fail or be late stands in a sub-process, which can have some; such a ``message`` is a
  receive task.
* A ``timeout`` that nobody handles leads to an error end.
"""

from weir.bpmn.graph import draw
from weir.bpmn.xml import bpmn_text

__all__ = ["bpmn_text", "draw"]
