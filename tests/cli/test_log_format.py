"""What a role logs as JSON: one object a line, whoever logs it."""

import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from streams.settings import Settings
from weir.log_format import log_to_stderr


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging is as before in the end."""
    root = logging.getLogger()
    handlers, level, known = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**known)


@pytest.mark.usefixtures("restored")
def test_every_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers[:] = []  # pytest has some, and a process that starts has none
    log_to_stderr(Settings(_env_file=None, log_format="json"), "processor")
    log = structlog.get_logger("weir.test")
    log.info("partition taken over", partition=3, seconds=0.5)
    log.debug("below the level")
    password = "hunter2-hunter2"
    try:
        raise ValueError(f"broken after {len(password)}")
    except ValueError:
        log.exception("a command raised", instance="019b8e5c-0000-8000-8000-000000000000", at={1: object()})
        logging.getLogger("some.library").exception("lost %s", "a broker")
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["event"], line["role"]) for line in lines] == [
        ("info", "partition taken over", "processor"),
        ("error", "a command raised", "processor"),
        ("error", "lost a broker", "processor"),
    ]
    assert lines[0] == lines[0] | {"partition": 3, "seconds": 0.5}
    assert lines[1]["instance"] == "019b8e5c-0000-8000-8000-000000000000"
    assert lines[2]["logger"] == "some.library"
    for line in lines:
        assert line["timestamp"].endswith("Z")
    for line in lines[1:]:
        assert "ValueError: broken after 15" in line["exception"]
        assert password not in str(line)


@pytest.mark.usefixtures("restored")
def test_lines_for_people_are_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(Settings(_env_file=None), "processor")
    structlog.get_logger("weir.test").info("started", partition=3)
    [line] = capsys.readouterr().err.splitlines()
    assert "started" in line
    assert "partition=3" in line
