"""What the processor refuses, as problems.  A refusal's reason is the problem's type."""

from weir.api.problems import ProblemError
from weir.watch import Accepted, DeadLettered, Outcome, Refused

NOT_FOUND = frozenset({"unknown_instance", "unknown_definition"})
UNFIT = frozenset(
    {
        "answers_too_large",
        "invalid_answers",
        "invalid_definition",
        "instance_id_time",
        "invalid_outcome",
        "invalid_variables",
        "undeclared_topic",
        "unusable_definition",
        "wrong_partition",
    }
)
FIX = "Look at the instance as it is now: GET /processes/{instance_id}."


def status_of(reason: str) -> int:
    """409 for what depends on how things stand: somebody was faster, or it has ended."""
    return 404 if reason in NOT_FOUND else 422 if reason in UNFIT else 409


def accepted(outcome: Outcome, fix: str = FIX) -> Accepted:
    """The outcome, if it is a good one.  Raises ``ProblemError``."""
    match outcome:
        case Accepted():
            return outcome
        case Refused():
            raise refused(outcome, fix)
        case DeadLettered():
            fix = "It is kept: `weir dead-letters list` shows it."
            raise ProblemError(422, "dead_letter", outcome.message, fix)


def refused(refusal: Refused, fix: str = FIX) -> ProblemError:
    """A refusal as a problem."""
    return ProblemError(status_of(refusal.reason), refusal.reason, refusal.message, fix)
