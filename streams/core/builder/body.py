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
    "subprocess": "call",
    "parallel": "parallel",
    "foreach": "foreach",
    "compensate": "compensate",
    "rules": "rules",
    "transform": "transform",
    "user_task": "ask",
}
"""The method of each kind of activity.  It takes all that the kind's model has."""


class Body:
    """A list of activities: those of a process, or those within another activity.  Each method adds one."""

    def __init__(self) -> None:
        self.activities: list[dict[str, Any]] = []

    def step(self, kind: str, activity_id: str, /, **fields: Json) -> Self:
        """An activity of any kind, by the names of its fields in YAML; one that Python cannot write gets a ``_``."""
        self.activities.append({"id": activity_id, "type": kind, **written(fields)})
        return self

    def start(self, activity_id: str = "start", *, next: str | None = None, **told: Unpack[Told]) -> Self:  # noqa: A002
        """The first one.  It may be left out."""
        return self.step("start", activity_id, next=next, **told)

    def end(self, activity_id: str = "end", **told: Unpack[Told]) -> Self:
        """The end of the process.  It may be left out."""
        return self.step("end", activity_id, **told)

    def decide(
        self, activity_id: str, condition: str, *, true_path: str, false_path: str, **options: Unpack[Decided]
    ) -> Self:
        """One of two ways."""
        return self.step(
            "decision", activity_id, condition=condition, true_path=true_path, false_path=false_path, **options
        )

    def service(
        self,
        activity_id: str,
        action: str,
        config: Mapping[str, Json] | ActionConfig,
        *,
        retry: Mapping[str, Json] | int | Literal["none"] | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Have an action performed."""
        return self.step("service", activity_id, action=action, config=config, retry=retry, output=output, **options)

    def log(self, activity_id: str, message: str, *, level: str | None = None, **options: Unpack[Options]) -> Self:
        """The service that most processes have: a line in the history."""
        return self.service(activity_id, "log", written({"message": message, "level": level}), **options)

    def wait(
        self,
        activity_id: str,
        duration: Span | None = None,
        *,
        until: str | None = None,
        time_zone: str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Let time pass: for a while, or until a moment."""
        return self.step("timer", activity_id, duration=duration, until=until, time_zone=time_zone, **options)

    def receive(
        self,
        activity_id: str,
        name: str,
        *,
        correlation: str | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Described],
    ) -> Self:
        """Wait for the message ``name``."""
        return self.step("message", activity_id, name=name, correlation=correlation, output=output, **options)

    def call(
        self,
        activity_id: str,
        process: str,
        *,
        version: int | None = None,
        input_: Mapping[str, Json] | None = None,
        key: str | None = None,
        wait: bool | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Start another process, and wait for its end unless told otherwise."""
        return self.step(
            "subprocess",
            activity_id,
            process=process,
            version=version,
            input_=input_,
            key=key,
            wait=wait,
            output=output,
            **options,
        )

    def parallel(
        self,
        activity_id: str,
        branches: Mapping[str, "Body"],
        *,
        join: Literal["all", "any"] | int | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Several branches at once: ``{"pump": Body().service(…), "fan": Body().wait(…)}``."""
        return self.step("parallel", activity_id, branches=branches, join=join, **options)

    def foreach(
        self,
        activity_id: str,
        items: str,
        activities: "Body",
        *,
        as_: str | None = None,
        index: str | None = None,
        concurrency: int | None = None,
        collect: str | None = None,
        output: str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """The same activities for each item of a list."""
        return self.step(
            "foreach",
            activity_id,
            items=items,
            as_=as_,
            index=index,
            concurrency=concurrency,
            activities=activities,
            collect=collect,
            output=output,
            **options,
        )

    def compensate(self, activity_id: str, *, activity: str | None = None, **options: Unpack[Options]) -> Self:
        """Undo what has completed, the last one first; or only what ``activity`` has done."""
        return self.step("compensate", activity_id, activity=activity, **options)

    def rules(
        self,
        activity_id: str,
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
            activity_id,
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
        activity_id: str,
        *,
        set_: Mapping[str, Json] | None = None,
        map_: Mapping[str, Mapping[str, Json]] | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Make variables from others."""
        return self.step("transform", activity_id, set_=set_, map_=map_, **options)

    def ask(
        self,
        activity_id: str,
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
        notify: Mapping[str, Json] | str | None = None,
        output: Mapping[str, str] | str | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Ask people, and wait for their answer."""
        return self.step(
            "user_task",
            activity_id,
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
            notify=notify,
            output=output,
            **options,
        )
