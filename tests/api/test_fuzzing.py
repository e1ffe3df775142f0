"""Nothing that can be asked is answered 5xx; what is answered is what the OpenAPI document says."""

import asyncio
from pathlib import Path

import httpx
import pytest

from projections import app as projector
from streams.agents import processor
from streams.core.commands import DeployDefinition
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.api.conftest import ADMIN
from tests.api.fuzzing import Fuzzer, said
from tests.api.inside import inside
from tests.roles import running
from weir.client import CommandClient
from weir.watch import Accepted

EXAMPLES = 3
"""For each operation, and as many that do not fit: 500 requests."""
PROCESS = """
id: approval
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: amount, type: number}]
activities:
  - {id: ask, type: user_task, title: Buy?, assignee: anna}
"""


@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
async def test_no_input_is_answered_otherwise_than_the_document_says(
    site: tuple[Settings, Topics], tmp_path: Path
) -> None:
    settings = site[0].model_copy(update={"api_max_lag_records": 100_000})
    async with (
        running(processor.__name__, settings, tmp_path) as decides,
        running(projector.__name__, settings, tmp_path) as projects,
        inside(settings) as client,
    ):
        await decides.works()
        await projects.works()
        client.headers.update(ADMIN)
        client.timeout = httpx.Timeout(60)
        fuzzer = Fuzzer(client, asyncio.get_running_loop(), await known(settings, client))
        document = (await client.get("/openapi.json")).json()
        await asyncio.to_thread(fuzzer.run, document, EXAMPLES)
    assert not fuzzer.wrong, "\n".join(said(fuzzer))
    assert len(fuzzer.answered) == sum(map(len, document["paths"].values())), "every operation was asked"
    done = [label for label, statuses in fuzzer.answered.items() if min(statuses) < 400]
    assert len(done) > len(fuzzer.answered) / 2, f"of most, some are done: {done}"


async def known(settings: Settings, client: httpx.AsyncClient) -> dict[str, str]:
    """Ids of what there is."""
    definition = parse_definition(PROCESS).model_dump(mode="json")
    async with CommandClient(settings) as commands:
        assert isinstance(await commands.send_and_wait(DeployDefinition(definition=definition), 60), Accepted)
    await eventually(lambda: client.get("/health"), lambda found: found.status_code == 200)
    started = await client.post("/processes/approval/start", json={"variables": {"amount": 1}})
    assert started.status_code == 202, started.text
    instance = started.json()["instance_id"]
    tasks = await eventually(lambda: client.get("/tasks"), lambda found: found.json()["items"])
    (task,) = tasks.json()["items"]
    alert = await client.post("/api/alerts", json={"title": "hot"})
    key = await client.post("/api-keys", json={"name": "line 2", "roles": ["viewer"]})
    return {
        "definition_id": "approval",
        "process_id": "approval",
        "instance_id": instance,
        "execution_id": instance,
        "id_": task["id"],
        "template_id": "approval",
        "alert_id": alert.json()["id"],
        "key_id": key.json()["api_key"]["id"],
        "step": "acknowledge",
        "user_id": "anna",
    }
