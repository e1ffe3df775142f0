"""Activities, one behind the other."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, Unpack

from streams.core.actions.base import ActionConfig
from streams.core.builder.options import Decided, Described, Json, Options, Span, Told, written

METHODS: dict[str, str] = {
    "start": "start",
    "end": "end",
    "decision": "decide",
    "service": "service",
    "timer": "wait",
    "message": "receive",
    "rules": "rules",
    "transform": "transform",
    "user_task": "ask",
}
"""The method of each kind of activity.  It takes all that the kind's model has."""


class Body:
    """A list of activities: those of a process, or those within another activity.  Each method adds one."""

    def __init__(self) -> None:
        self.activities: list[dict[str, Any]] = []

    def step(self, kind: str, activity: str, /, **fields: Json) -> Self:
        """An activity of any kind, by the names of its fields in YAML; one that Python cannot write gets a ``_``."""
        self.activities.append({"id": activity, "type": kind, **written(fields)})
        return self

    def start(self, activity: str = "start", *, next: str | None = None, **told: Unpack[Told]) -> Self:  # noqa: A002
        """The first one.  It may be left out."""
        return self.step("start", activity, next=next, **told)

    def end(self, activity: str = "end", **told: Unpack[Told]) -> Self:
        """The end of the process.  It may be left out."""
        return self.step("end", activity, **told)

    def decide(
        self, activity: str, condition: str, *, true_path: str, false_path: str, **options: Unpack[Decided]
    ) -> Self:
        """One of two ways."""
        return self.step(
            "decision", activity, condition=condition, true_path=true_path, false_path=false_path, **options
        )

    def service(
        self,
        activity: str,
        action: str,
        config: Mapping[str, Json] | ActionConfig,
        *,
        retry: Mapping[str, Json] | int | Literal["none"] | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Have an action performed."""
        return self.step("service", activity, action=action, config=config, retry=retry, output=output, **options)

    def log(self, activity: str, message: str, *, level: str | None = None, **options: Unpack[Options]) -> Self:
        """The service that most processes have: a line in the history."""
        return self.service(activity, "log", written({"message": message, "level": level}), **options)

    def wait(self, activity: str, duration: Span, **options: Unpack[Options]) -> Self:
        """Let time pass."""
        return self.step("timer", activity, duration=duration, **options)

    def receive(
        self,
        activity: str,
        name: str,
        *,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Described],
    ) -> Self:
        """Wait for the message ``name``."""
        return self.step("message", activity, name=name, output=output, **options)

    def rules(
        self,
        activity: str,
        rules: Sequence[Mapping[str, Json]],
        *,
        hit_policy: Literal["unique", "first", "priority", "any", "collect"] | None = None,
        aggregation: Literal["sum", "min", "max", "count"] | None = None,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, Json] | None = None,
        default: Mapping[str, Json] | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """A decision table; a rule is ``{"when": {…}, "then": {…}}``."""
        return self.step(
            "rules",
            activity,
            hit_policy=hit_policy,
            aggregation=aggregation,
            inputs=inputs,
            outputs=outputs,
            rules=rules,
            default=default,
            output=output,
            **options,
        )

    def transform(
        self,
        activity: str,
        *,
        set_: Mapping[str, Json] | None = None,
        map_: Mapping[str, Mapping[str, Json]] | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Make variables from others."""
        return self.step("transform", activity, set_=set_, map_=map_, **options)

    def ask(
        self,
        activity: str,
        *,
        title: str | None = None,
        assignee: str | None = None,
        candidates: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
        queue: str | None = None,
        priority: int | str | None = None,
        due: Span | None = None,
        form: Mapping[str, Json] | None = None,
        outcomes: Sequence[str] | None = None,
        approvers: Sequence[str] | None = None,
        join: Literal["all", "any"] | int | None = None,
        escalation: Sequence[Mapping[str, Json]] | None = None,
        reminders: Mapping[str, Json] | Span | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Ask people, and wait for their answer."""
        return self.step(
            "user_task",
            activity,
            title=title,
            assignee=assignee,
            candidates=candidates,
            queue=queue,
            priority=priority,
            due=due,
            form=form,
            outcomes=outcomes,
            approvers=approvers,
            join=join,
            escalation=escalation,
            reminders=reminders,
            output=output,
            **options,
        )
