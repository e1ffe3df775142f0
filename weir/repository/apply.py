"""Doing what a plan says, step by step, each by one command whose outcome is waited for."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streams.codec import MAX_COMMAND_BYTES, LimitError, encode_command, encode_json
from streams.core.commands import (
    MAX_SOURCE,
    ActivateDefinition,
    DeactivateDefinition,
    DefinitionCommand,
    DeployDefinition,
    Origin,
)
from streams.core.definition import ProcessDefinition
from streams.core.parse import parse_definition
from weir.client import CommandClient
from weir.repository.bump import with_version
from weir.repository.origin import MAX_TEXT as ORIGIN_TEXT
from weir.repository.origin import origin_of
from weir.repository.plan import Step
from weir.watch import Accepted, Refused

UNCHANGED = "unchanged"
DONE = {"create": "deployed", "new_version": "deployed", "activate": "activated", "deactivate": "deactivated"}


@dataclass(frozen=True, slots=True)
class Done:
    """``outcome`` is deployed, activated, deactivated, unchanged or refused, else ``planned`` or ``not_sent``."""

    step: Step
    outcome: str
    reason: str | None = None
    message: str | None = None

    def document(self) -> dict[str, Any]:
        """For ``--json``, and the columns of a table."""
        step = self.step
        return {
            "file": None if step.candidate is None else str(step.candidate.file),
            "id": step.id,
            "version": step.version,
            "action": step.action,
            "outcome": self.outcome,
            "reason": self.reason,
            "message": self.message,
        }


def not_done(steps: Iterable[Step], outcome: str) -> list[Done]:
    """The steps of a plan that is only shown, or of which one cannot be done."""
    return [
        Done(step, step.action if step.action in {UNCHANGED, "refused"} else outcome, step.reason, step.message)
        for step in steps
    ]


async def apply(client: CommandClient, steps: Iterable[Step], timeout_s: float, folder: Path | None) -> list[Done]:
    """Do the steps in order.  ``folder`` is what is deployed: (de)activations tell of it.  Raises ``NoAnswerError``.

    One that is refused is the last: others may need it, and what it replaces must not be pruned.
    """
    steps, done = list(steps), list[Done]()
    for step in steps:
        done.append(await _do(client, step, timeout_s, folder))
        if done[-1].outcome == "refused":
            break
    return [*done, *not_done(steps[len(done) :], "not_sent")]


async def send(client: CommandClient, command: DefinitionCommand, timeout_s: float) -> tuple[str, str | None]:
    """Send a command about a definition; returns the (reason, message) of its refusal, ("", ``None``) for none."""
    outcome = await client.send_and_wait(command, timeout_s)
    if isinstance(outcome, Accepted):
        return "", None
    return (outcome.reason if isinstance(outcome, Refused) else "dead_letter"), outcome.message


def deployment(definition: ProcessDefinition, text: str | None, origin: Origin | None) -> DeployDefinition:
    """The command that deploys a definition, with its text unless that is too long to go along."""
    command = DeployDefinition(definition=definition.model_dump(mode="json"), origin=origin)
    if text is None or len(text) > MAX_SOURCE:
        return command
    whole = msgspec.structs.replace(command, source=text)
    return whole if len(encode_json(whole)) <= MAX_COMMAND_BYTES - 1_000 else command


def too_large(definition: ProcessDefinition) -> str | None:
    """Why no command could deploy it, wherever it is from."""
    text = "€" * ORIGIN_TEXT
    try:
        encode_command(deployment(definition, None, Origin(by=text, path=text, author=text, template=text)))
    except LimitError as error:
        return str(error)
    return None


async def _do(client: CommandClient, step: Step, timeout_s: float, folder: Path | None) -> Done:
    if step.action in {UNCHANGED, "refused"}:
        return Done(step, step.action, step.reason, step.message)
    reason, message = await send(client, _command(step, folder), timeout_s)
    if not reason:
        return Done(step, DONE[step.action], None, step.message)
    if reason == UNCHANGED:  # somebody else has done it since
        return Done(step, UNCHANGED)
    return Done(step, "refused", reason, message)


def _command(step: Step, folder: Path | None) -> DefinitionCommand:
    if step.action == "activate":
        return ActivateDefinition(
            definition_id=step.id, version=step.version, reason=step.message, origin=origin_of(folder)
        )
    if step.action == "deactivate":
        return DeactivateDefinition(definition_id=step.id, pruned=True, reason=step.message, origin=origin_of(folder))
    one = step.candidate
    assert one is not None
    if not step.bump:
        return deployment(one.definition, one.text, origin_of(one.file))
    assert step.version is not None
    text = with_version(one.text, step.version)
    one.file.write_text(text, encoding="utf-8")  # first: what is deployed must be what the folder has
    return deployment(parse_definition(text, str(one.file)), text, origin_of(one.file))
