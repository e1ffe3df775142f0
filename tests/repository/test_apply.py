"""Doing a plan: what the processor refuses ends it, since what comes after may need what was refused."""

from pathlib import Path

import pytest

from streams.core.commands import DeactivateDefinition, DeployDefinition, TopicCommand
from tests.repository.test_plan import candidate, deployed
from weir.client import CommandClient
from weir.repository import plan
from weir.repository.apply import apply
from weir.watch import Accepted, Outcome, Refused


class Refusing(CommandClient):
    """A processor that refuses to deploy ``name``, and does all else."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.got: list[tuple[str, str]] = []

    async def send_and_wait(self, command: TopicCommand, timeout_s: float) -> Outcome:
        assert isinstance(command, DeployDefinition | DeactivateDefinition)
        name = command.definition["id"] if isinstance(command, DeployDefinition) else command.definition_id
        self.got.append((type(command).__name__, name))
        if name == self._name:
            return Refused(0, 0, "undeclared_topic", "Topic 'x' is not declared", None)
        return Accepted(0, 0, [])


@pytest.mark.parametrize(
    ("refused", "outcomes"),
    [
        ("nothing", {"a": "deployed", "b": "deployed", "c": "deployed", "old": "deactivated"}),
        ("b", {"a": "deployed", "b": "refused", "c": "not_sent", "old": "not_sent"}),
    ],
)
async def test_nothing_is_sent_after_a_refusal(refused: str, outcomes: dict[str, str], tmp_path: Path) -> None:
    steps = plan([candidate(name, 1) for name in "abc"], deployed(candidate("old", 1)), prune=True)
    client = Refusing(refused)
    results = await apply(client, steps, 1.0, tmp_path)
    assert {one.step.id: one.outcome for one in results} == outcomes
    assert [name for _, name in client.got] == [name for name, one in outcomes.items() if one != "not_sent"]
