"""The span of an action that is performed, its context in the event that asked for it."""

from dataclasses import dataclass

from streams.performing import Requested
from streams.records import Headers
from streams.tracing import context
from streams.tracing.context import Context
from streams.tracing.span import Span
from streams.tracing.tracer import Tracer


@dataclass(slots=True)
class ActionTrace:
    """Of one attempt.  Performed again after a crash it is the same span."""

    tracer: Tracer
    parent: Context
    own: Context
    requested: Requested
    began_ns: int = 0
    span: Span | None = None

    @classmethod
    def of(cls, tracer: Tracer, headers: Headers, requested: Requested) -> "ActionTrace | None":
        """``None`` where whoever asked is not traced.  The request takes the context along to whom it calls."""
        parent = context.of_headers(headers)
        if parent is None:
            return None
        own = parent.child("action", requested.idempotency_key, requested.attempt)
        requested.traceparent = own.encoded().decode()
        return cls(tracer, parent, own, requested)

    def begins(self) -> None:
        """It was queued until now."""
        self.began_ns = self.tracer.now_ns()

    def answered(self, outcome: str) -> Headers:
        """With ``completed`` or the error's type; returns the headers of the answer."""
        requested = self.requested
        if self.own.sampled:
            self.span = Span(
                requested.action,
                "client",
                self.own,
                self.parent,
                self.began_ns,
                self.tracer.now_ns(),
                {
                    "weir.role": "actions",
                    "weir.subject": requested.instance_id,
                    "weir.definition": requested.definition_id,
                    "weir.activity": requested.activity_id,
                    "weir.attempt": requested.attempt,
                    "weir.idempotency_key": requested.idempotency_key,
                },
                error=None if outcome == "completed" else outcome,
            )
        return [(context.HEADER, self.own.encoded())]

    def sent(self) -> None:
        """Kafka has the answer."""
        if self.span is not None:
            self.tracer.export([self.span])
