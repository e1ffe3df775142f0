"""``weir replay`` as a person and a script see it."""

import asyncio
import time
import uuid

import asyncpg
import pytest

from projections.replay import Progress, ReplayReport
from projections.replay.replay import REPLAY_LOCK
from tests.cli.conftest import Plant
from tests.conftest import PARTITIONS
from weir.cli.replay import describe

DEFINITION = """
id: approval
name: Approval
version: 1
trigger: {type: api}
activities:
  - {id: wait, type: message, name: decided}
  - {id: end, type: end}
"""


@pytest.fixture(scope="module")
def used(plant: Plant) -> Plant:
    """A plant on which something has happened."""
    file = plant.home / "approval.yaml"
    file.write_text(DEFINITION)
    plant.ask("deploy", str(file))
    for number in range(3):
        key = f"k-{number}-{uuid.uuid4().hex[:6]}"
        plant.ask("start", "approval", "--key", key, "--timeout", "60")
    deadline = time.monotonic() + 60
    while len(plant.ask("instances")) < 3:
        assert time.monotonic() < deadline, "the projector has not brought them"
    return plant


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Expected one of the two"),
        (("--projections", "--state"), "Expected one of the two"),
        (("--state", "--restart"), "Expected it with --projections only"),
        (("--projections", "--ignore-changelog"), "Expected it with --state only"),
    ],
)
def test_options_that_do_not_go_together(bare_plant: Plant, arguments: tuple[str, ...], said: str) -> None:
    result = bare_plant.weir("replay", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def execute(plant: Plant, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(plant.settings.database_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def test_a_program_gets_one_document(used: Plant) -> None:
    before = used.ask("instances")
    assert len(before) == 3
    execute(used, "UPDATE process_instances SET status = 'suspended'")
    document = used.ask("replay", "--projections")
    assert document["tables"]["process_instances"] == {"rows": 3, "before": 3}
    assert set(document) == set(ReplayReport.__annotations__)
    assert document["records"] > 0
    assert document["swapped_at"].endswith("Z")
    assert used.ask("instances") == before


def test_a_person_gets_a_table_and_the_steps(used: Plant) -> None:
    result = used.weir("replay", "--projections")
    assert result.exit_code == 0, result.output
    assert [word in result.stdout for word in ("process_history", "Rebuilt from", "in use since")] == [True] * 3
    assert [step in result.stderr for step in ("projecting", "swapping tables", "counting rows")] == [True] * 3


def test_a_second_one_is_refused(used: Plant) -> None:
    async def run() -> tuple[int, str]:
        connection = await asyncpg.connect(used.settings.database_url)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", REPLAY_LOCK)
            result = await asyncio.to_thread(used.weir, "replay", "--projections")
        finally:
            await connection.close()
        return result.exit_code, result.output

    code, output = asyncio.run(run())
    assert code == 1
    assert "Expected to be the only replay, but another one is at work" in output


def test_the_state_is_replayed_once_no_processor_runs(used: Plant) -> None:
    refused = used.ask("replay", "--state", code=1)
    assert "process" in refused["error"]["message"]
    assert refused["error"]["hint"]
    used.stack.stop_process("processor")
    document = used.ask("replay", "--state")
    assert document["entities"] > 0
    assert len(document["partitions"]) == PARTITIONS
    result = used.weir("replay", "--state", "--ignore-changelog")
    assert result.exit_code == 0, result.output
    assert f"Rebuilt {document['entities']} entities from {document['events']} events" in result.stdout


def test_no_database_is_said(used: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://weir@127.0.0.1:1/weir")
    document = used.ask("replay", "--projections", code=3)
    assert document["error"]["reason"] == "unreachable"


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("swapping tables"), "swapping tables"),
        (
            Progress("projecting", done=30_000, total=40_000, here=20_000, records=18_000, seconds=2.0),
            "projecting: 18,000 records, 75%, 9,000/s, 0:00:01 left",
        ),
        (
            Progress("projecting", done=40_000, total=40_000, here=40_000, records=40_000, seconds=4.0),
            "projecting: 40,000 records, 100%, 10,000/s",
        ),
    ],
)
def test_progress_tells_records_share_rate_and_time_left(progress: Progress, line: str) -> None:
    assert describe(progress) == line
