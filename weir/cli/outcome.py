"""A command's outcome in a person's words."""

from weir.cli.errors import CliError
from weir.watch import Accepted, DeadLettered, Outcome, Refused

HINTS = {
    "unknown_definition": "`weir deploy PATH` makes a definition known.",
    "already_running": "Watch it with `weir history ID --follow`, end it with `weir cancel ID`, or use another --key.",
    "unknown_instance": "`weir instances` lists what there is.",
    "not_running": "`weir history ID` shows what became of it.",
    "task_not_open": "`weir tasks` lists what is open.",
    "no_candidate": "Say with --group which groups the user is in, or have it assigned: `weir tasks assign`.",
    "claimed_by_other": "`weir tasks show ID` shows whose it is.",
    "invalid_answers": "`weir tasks show ID` shows the form.",
    "invalid_variables": "Give it with --var NAME=VALUE, as `weir definitions show` declares it.",
}


def accepted(outcome: Outcome) -> Accepted:
    """The outcome of a command that was accepted.  Raises ``CliError`` for one that was not."""
    match outcome:
        case Accepted():
            return outcome
        case Refused():
            raise CliError(outcome.message, HINTS.get(outcome.reason, ""), reason=outcome.reason)
        case DeadLettered():
            place = f"partition {outcome.partition}, offset {outcome.offset}"
            raise CliError(
                f"The command could not be used: {outcome.message}",
                f"`weir dead-letters list` shows it (from {place}).",
                reason="dead_letter",
            )
