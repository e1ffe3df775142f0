"""The example's action in the action worker, between the real Kafka and a file; with a secret in its config."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.core.commands import CompleteActivity, FailActivity
from streams.kafka import client_options
from streams.settings import Settings
from tests.agents.test_actions_worker import Requests, answers
from tests.roles import reading, running
from tests.site import make_site

PLANTED = "pl4nted-mark"


async def test_a_worker_performs_the_action_of_an_extension(
    settings: Settings, tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIR_SECRET_MARK", PLANTED)
    own, topics = await make_site(settings, tmp_path)
    file = tmp_path / "lines.txt"
    line = "setpoint 28 ${secrets.mark}"
    marks = [{"path": ["line"], "offset": len("setpoint 28 "), "name": "mark"}]
    async with (
        AIOKafkaProducer(**client_options(own)) as producer,
        reading(own, topics.commands.name, topics.partitions) as commands,
        running("tests.extension.worker", own, tmp_path) as role,
    ):
        requests = Requests(topics, producer)
        done = await requests.request({"file": str(file), "line": line}, action="write_line", secrets=marks)
        lost = await requests.request({"file": str(tmp_path / "no" / "x"), "line": "x"}, action="write_line")
        found = answers(await commands.count(2))
        said = role.output()
    completed, failed = found[done], found[lost]
    assert isinstance(completed, CompleteActivity)
    assert completed.output == {"lines": 1}
    assert file.read_text() == f"{done}:cool:1 setpoint 28 {PLANTED}\n"
    assert isinstance(failed, FailActivity)
    assert (failed.error_type, failed.retryable) == ("no_folder", False)
    assert PLANTED not in said
    assert all(PLANTED.encode() not in record.value for record in commands.records)
