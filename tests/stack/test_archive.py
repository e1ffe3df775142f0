"""The archive of Kafka's classes: used where it can be made, and its absence stops nobody."""

import subprocess
from pathlib import Path

import pytest

from weir.stack import kafka
from weir.stack.kafka_archive import archive_options
from weir.stack.kafka_jars import ensure_kafka
from weir.stack.ports import Ports, free_ports
from weir.stack.process import ProcessSpec
from weir.stack.progress import silent

JAVA = ("java", "-Xmx384m")


class Broker:
    """Instead of one, a script; counts how often it was asked for."""

    def __init__(self, script: Path | str) -> None:
        self.script, self.asked = script, 0

    def __call__(self, home: Path, ports: Ports) -> ProcessSpec:
        self.asked += 1
        home.mkdir()
        return ProcessSpec("broker", (str(self.script),), cwd=home, ready_file=home / "ready")


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    """It writes the archive when it ends, as Java does."""
    script = tmp_path / "broker"
    script.write_text(
        "#!/bin/sh\n"
        "trap 'echo made > ${1#-XX:AOTCacheOutput=}; exit' TERM\n"
        "echo $$ > ready\n"
        "while :; do sleep 0.02; done\n"
    )
    script.chmod(0o755)
    return Broker(script)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_java_takes_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of the cache that all tests use; with this mode Java does not begin without it."""
    monkeypatch.undo()
    spec = kafka.prepare(tmp_path, ensure_kafka(silent), free_ports(26000, 29999), durable=False, progress=silent)
    java, *arguments = spec.argv[: -len(kafka.MAIN)]
    assert any(argument.startswith("-XX:AOTCache=") for argument in arguments)
    told = subprocess.run([java, "-XX:AOTMode=on", *arguments, "-version"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_it_is_made_once(cache: Path, broker: Broker):
    told: list[str] = []
    first, again = (archive_options(cache / "kafka-1", JAVA, broker, lambda step, _: told.append(step)) for _ in "12")
    assert first == again
    (archive,) = cache.glob("kafka-1-*.aot")
    assert first[0] == f"-XX:AOTCache={archive}"
    assert broker.asked == len(told) == 1
    assert sorted(path.name for path in cache.iterdir()) == [archive.name, "lock"]


def test_other_options_of_java_have_an_archive_of_their_own(cache: Path, broker: Broker):
    for java in (JAVA, (*JAVA, "-Xint")):
        assert archive_options(cache / "kafka-1", java, broker, silent)
    assert broker.asked == 2


@pytest.mark.parametrize("java", ["/bin/false", "/no/such/java"])
def test_what_cannot_be_made_is_not_tried_again(cache: Path, java: str):
    broker = Broker(java)
    assert [archive_options(cache / "kafka-1", JAVA, broker, silent) for _ in "12"] == [(), ()]
    assert broker.asked == 1


def test_a_cache_that_cannot_be_written(cache: Path, broker: Broker):
    cache.write_text("")
    assert archive_options(cache / "kafka-1", JAVA, broker, silent) == ()
