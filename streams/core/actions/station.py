"""What the configurations of the station's actions share: checks of what they say without their values."""

from typing import Self

from pydantic import BaseModel, model_validator
from pydantic_core import PydanticCustomError

from streams.core.actions.base import ActionConfig
from streams.core.scalars import TextTemplate
from streams.core.suggest import suggest

SEVERITIES = ("info", "warning", "error", "critical")


def check_choice(value: str, choices: tuple[str, ...], what: str) -> str:
    """``value``, which is one of ``choices`` or has an expression.  Raises ``PydanticCustomError``."""
    if "${" not in value and value not in choices:
        raise PydanticCustomError(
            "choice",
            "Expected {what} {choices}, but got {value}",
            {
                "what": what,
                "choices": f"{', '.join(choices[:-1])} or {choices[-1]}",
                "value": repr(value),
                "fix": suggest(value, choices, what),
            },
        )
    return value


def check_one_of(config: BaseModel, names: tuple[str, ...]) -> None:
    """Exactly one of the fields is given.  Raises ``PydanticCustomError``."""
    given = [name for name in names if getattr(config, name) is not None]
    if len(given) != 1:
        got = f"got {' and '.join(map(repr, given))}" if given else "there is none"
        raise PydanticCustomError(
            "one_of",
            "Expected one of {names}, but {got}",
            {"names": f"{', '.join(map(repr, names[:-1]))} and {names[-1]!r}", "got": got},
        )


class OneAlert(ActionConfig):
    """The alert of ``alert_id``, or the one of ``alert_key`` that is not resolved, if there is one.

    ``by`` is who does it, by default the instance; ``note`` what they say to it.
    """

    alert_id: TextTemplate | None = None
    alert_key: TextTemplate | None = None
    by: TextTemplate | None = None
    note: TextTemplate | None = None

    @model_validator(mode="after")
    def _names_one_alert(self) -> Self:
        check_one_of(self, ("alert_id", "alert_key"))
        return self
