"""Telling people: the action ``notify``, asked for beside an activity, which does not wait for it.

notice_requested ─► action worker ─► record_notice ─► notice_sent, or notice_failed

A notice is not tried again: reminders and escalations come again by themselves.
"""

from typing import Any

from streams.core.durations import instant_text
from streams.core.expressions import ExpressionError, Template
from streams.core.flow.flow import Flow
from streams.core.process import VariablesError

TIME_MS = 30_000
"""Real time that the action may take, like that of a service."""


def request(flow: Flow, template: Template, defaults: dict[str, Any], place: tuple[str, int, str | None]) -> None:
    """Ask for ``notify`` with what ``template`` renders to, over ``defaults``.

    ``place`` is the (activity id, execution, token) that the notice is about.  What cannot be rendered has failed, and
    nothing else: ``notice`` is 0 then.
    """
    activity_id, execution, token = place
    try:
        flow.refresh(template.names, token)
        config = defaults | template.render(flow.variables(token))
    except (ExpressionError, VariablesError) as error:
        failed = {"notice": 0, "error_type": "expression", "error": str(error)}
        flow.emit("notice_failed", failed, activity_id, token, str(error))
        return
    data = {
        "action": "notify",
        "config": config,
        "execution": execution,
        "attempt": 1,
        "idempotency_key": f"{flow.instance.id}:notice:{flow.instance.seq + 1}",
        "not_after": instant_text(flow.now_ms + round(TIME_MS * flow.turn.around.action_time)),
    }
    flow.emit("notice_requested", data, activity_id, token)
