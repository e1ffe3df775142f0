"""``retry``: how often a service is tried, and how long in between."""

import hashlib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from streams.core.activities.base import ErrorType
from streams.core.scalars import Duration, Part
from streams.core.suggest import suggest

_FULL = 1 << 64
EXPONENTIAL = "exponential"
MAX_PAUSE_MS = 30 * 86_400_000

NamedPolicy = Callable[[int, str, int], int | None]
"""``(attempt, error_type, chance)`` → milliseconds of real time until the next attempt, ``None`` for no other.

A pure function: ``attempt`` is the number of the one that failed, from 1; ``chance`` are 64 bits that are the same on
every replay of this attempt, and others for every other.
"""

POLICIES: dict[str, NamedPolicy] = {}
"""Those beside ``exponential``: extensions add theirs (``streams.extensions``)."""


class Retry(Part):
    """Only errors that may heal are tried again, and those of ``non_retryable`` never.

    Before attempt n + 1 passes ``initial_interval * backoff ** (n - 1)``, at most ``max_interval``, and up to
    ``jitter`` of that more or less.  Real time, as the action's own.  A ``policy`` of an extension has
    intervals of its own.
    """

    policy: Annotated[str, Field(description="exponential, or one of an extension")] = EXPONENTIAL

    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 3
    initial_interval: Duration = 1_000
    backoff: Annotated[float, Field(ge=1, le=100)] = 2.0
    max_interval: Duration = 60_000
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    non_retryable: Annotated[tuple[ErrorType, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _policy_is_known(self) -> Self:
        if self.policy == EXPONENTIAL:
            return self
        if self.policy not in POLICIES:
            fix = suggest(self.policy, [EXPONENTIAL, *POLICIES], "policy")
            details = {"policy": repr(self.policy), "fix": fix, "field": "policy"}
            raise PydanticCustomError("retry_policy", "Unknown policy {policy}", details)
        for name in ("initial_interval", "backoff", "max_interval", "jitter"):
            if name in self.model_fields_set:
                details = {"name": name, "policy": self.policy, "field": name}
                message = "Expected no '{name}' beside policy '{policy}', which has intervals of its own"
                raise PydanticCustomError("retry_policy", message, details)
        return self


def _short(spec: Any) -> Any:
    if isinstance(spec, int) and not isinstance(spec, bool):
        return {"max_attempts": spec}
    return {"max_attempts": 1} if spec == "none" else spec


RetrySpec = Annotated[Retry, BeforeValidator(_short, json_schema_input_type=Retry | int | Literal["none"])]
"""``retry: {max_attempts: 5, …}``, in short ``retry: 5``, or ``retry: none``."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Times in milliseconds of real time."""

    max_attempts: int
    initial_ms: int
    backoff: float
    max_ms: int
    jitter: float
    non_retryable: AbstractSet[str]
    named: NamedPolicy | None = None

    @classmethod
    def of(cls, model: Retry) -> "RetryPolicy":
        return cls(
            model.max_attempts,
            model.initial_interval,
            model.backoff,
            model.max_interval,
            model.jitter,
            frozenset(model.non_retryable),
            POLICIES.get(model.policy),
        )

    def pause_ms(self, attempt: int, error_type: str, seed: str, *, retryable: bool) -> int | None:
        """What passes before the attempt after ``attempt``; ``None``: there is no other.

        The same on every replay: chance comes from ``seed``.
        """
        if not retryable or attempt >= self.max_attempts or error_type in self.non_retryable:
            return None
        digest = hashlib.blake2b(f"{seed}/{attempt}".encode(), digest_size=8).digest()
        chance = int.from_bytes(digest, "big")
        if self.named is None:
            return self._exponential_ms(attempt, chance / _FULL * 2 - 1)
        pause = self.named(attempt, error_type, chance)
        return None if pause is None else min(max(0, pause), MAX_PAUSE_MS)

    def _exponential_ms(self, attempt: int, chance: float) -> int:
        """``chance`` is from -1 to 1."""
        try:
            wanted = min(self.max_ms, self.initial_ms * self.backoff ** (attempt - 1))
        except OverflowError:
            wanted = self.max_ms
        return max(0, round(wanted * (1 + self.jitter * chance)))
