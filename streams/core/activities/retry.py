"""``retry``: how often a service is tried, and how long in between."""

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from streams.core.activities.base import ErrorType
from streams.core.scalars import Duration, Part

_FULL = 1 << 64


class Retry(Part):
    """Only errors that may heal are tried again, and those of ``non_retryable`` never.

    Before attempt n + 1 passes ``initial_interval * backoff ** (n - 1)``, at most ``max_interval``, and up to
    ``jitter`` of that more or less.  Real time, as the action's own.
    """

    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 3
    initial_interval: Duration = 1_000
    backoff: Annotated[float, Field(ge=1, le=100)] = 2.0
    max_interval: Duration = 60_000
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    non_retryable: Annotated[tuple[ErrorType, ...], Field(strict=False)] = ()


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

    @classmethod
    def of(cls, model: Retry) -> "RetryPolicy":
        return cls(
            model.max_attempts,
            model.initial_interval,
            model.backoff,
            model.max_interval,
            model.jitter,
            frozenset(model.non_retryable),
        )

    def again(self, attempt: int, error_type: str, *, retryable: bool) -> bool:
        """Is there another attempt after this one?"""
        return retryable and attempt < self.max_attempts and error_type not in self.non_retryable

    def pause_ms(self, attempt: int, seed: str) -> int:
        """What passes before the attempt after ``attempt``.  The same on every replay: chance comes from ``seed``."""
        try:
            wanted = min(self.max_ms, self.initial_ms * self.backoff ** (attempt - 1))
        except OverflowError:
            wanted = self.max_ms
        digest = hashlib.blake2b(f"{seed}/{attempt}".encode(), digest_size=8).digest()
        chance = int.from_bytes(digest, "big") / _FULL * 2 - 1
        return max(0, round(wanted * (1 + self.jitter * chance)))
