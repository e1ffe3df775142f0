"""``weir actions list``: every action, its fields, and how it fails."""

from streams.core.actions import ACTIONS, ActionSpec
from streams.core.actions.failures import FAILURES
from weir.cli import options
from weir.cli.output import print_json, print_table


def list_(json: options.Json = False) -> None:
    """Every action that a service activity may name: its fields, those it needs with a star, and its own errors."""
    if json:
        print_json([_document(spec) for spec in ACTIONS.values()])
        return
    rows = [
        (spec.name, "history" if spec.inline else "worker", _fields(spec), ", ".join(_errors(spec)))
        for spec in ACTIONS.values()
    ]
    print_table(("action", "by", "config", "errors of its own"), rows, "")


def _fields(spec: ActionSpec) -> str:
    fields = spec.config.model_fields
    return ", ".join(f"{name}*" if field.is_required() else name for name, field in fields.items())


def _errors(spec: ActionSpec) -> list[str]:
    return [name for name, failure in FAILURES.items() if spec.name in failure.actions]


def _document(spec: ActionSpec) -> dict[str, object]:
    every = {
        name: one for name, one in FAILURES.items() if not spec.inline and (spec.name in one.actions or not one.actions)
    }
    return {
        "action": spec.name,
        "performed_by": "history" if spec.inline else "worker",
        "config": {name: {"required": field.is_required()} for name, field in spec.config.model_fields.items()},
        "errors": {name: {"transient": one.transient, "meaning": one.meaning} for name, one in every.items()},
    }
