"""The outputs of a decision table go together with each other and with its hit policy."""

from typing import Any

from streams.core.activities import Rules
from streams.core.document import Steps
from streams.core.expressions import compile_template
from streams.core.expressions.explain import show
from streams.core.normalise import Raw
from streams.core.report import Report
from streams.core.rules.values import equal
from streams.core.suggest import suggest
from streams.core.validation.parts import Parts


def check(parts: Parts, report: Report) -> None:
    """Table by table."""
    for raw, activity in parts.activities:
        if isinstance(activity, Rules):
            _policy(raw, activity, report)
            _outputs(raw, activity, report)


def _policy(raw: Raw, table: Rules, report: Report) -> None:
    def wrong(field: str, message: str, fix: str) -> None:
        report.add(raw.place((field,)), message, fix)

    names = table.output_names()
    if table.hit_policy == "collect":
        if table.default is not None:
            wrong("default", "Expected no 'default' with hit_policy collect: no hit is an empty list", "Remove it")
        if not table.output:
            wrong("hit_policy", "Expected 'output' with hit_policy collect", "Write 'output: <variable>' for the list")
        if table.aggregation in ("sum", "min", "max") and len(names) > 1:
            got = ", ".join(names)
            wrong("aggregation", f"Expected one output for {table.aggregation}, but got {got}", "Leave one of them")
    elif table.aggregation is not None:
        message = f"Expected 'aggregation' with hit_policy collect only, but that is {table.hit_policy}"
        wrong("aggregation", message, "Write 'hit_policy: collect', or remove it")
    if table.hit_policy == "priority" and not any(one.values for one in table.outputs.values()):
        fix = "Write 'outputs: {severity: {values: [critical, warning]}}'"
        wrong("hit_policy", "Expected 'values' of an output, the most important first, for hit_policy priority", fix)


def _outputs(raw: Raw, table: Rules, report: Report) -> None:
    names = table.output_names()
    places: list[tuple[Steps, str, dict[str, Any]]] = [
        (("rules", at, "then"), f"rule {at + 1}", rule.then) for at, rule in enumerate(table.rules)
    ]
    if table.default is not None:
        places.append((("default",), "the default", table.default))
    for place, what, outputs in places:
        for name in names:
            if name not in outputs:
                message = f"Expected an output {name!r} of {what}, but it is missing"
                report.add(raw.place(place), message, f"Add '{name}:'")
        for name, value in outputs.items():
            values = table.outputs[name].values if name in table.outputs else None
            if name not in names:
                fix = suggest(name, names, "output")
                report.add(raw.place((*place, name)), f"Unknown output {name!r} of {what}", fix, key=True)
            elif values and not compile_template(value).places and not any(equal(value, one) for one in values):
                fix = f"There are: {', '.join(show(one) for one in values)}"
                message = f"Expected one of the values of {name!r}, but got {show(value)}"
                report.add(raw.place((*place, name)), message, fix)
