"""Peers and rounds: what is asked of another system's ``run.sh``, what is read from it, and the ratios."""

from pathlib import Path

import pytest

from benchmarks.peers import PEERS, PeerError, peers_folder, run_peer
from benchmarks.rounds import Against, compare
from benchmarks.workload import Options

SAYS_ITS_WORDS = """\
echo "asked for $ONLY$* at ${CONC:-}${CONCS:-}" >&2
echo '{"workload": "W1-probe", "rate": 900, "concurrency": 8}'
echo '{"workload": "W1", "rate": 100.0, "concurrency": 64, "note": "own cpu 0.20"}'
echo '{"workload": "W1-open20", "rate": 20.0, "p50_ms": 8.0, "p99_ms": 25.0}'
echo '{"workload": "w3-timer", "rate": 20.0, "p50_ms": 20.0, "p99_ms": 75.0}'
"""


def peers(folder: Path, script: str) -> Path:
    for name in PEERS:
        (folder / name).mkdir()
        (folder / name / "run.sh").write_text(script)
    return folder


def test_figures_of_a_peer(tmp_path):
    found = run_peer("restate", "w1", peers(tmp_path, SAYS_ITS_WORDS), None)
    assert found == {
        "rate": 100.0,
        "concurrency": 64,
        "note": "own cpu 0.20",
        "p50_ms": 8.0,
        "p99_ms": 25.0,
        "cpu_us_total": 2000.0,
    }


def test_a_peer_that_takes_arguments(tmp_path):
    assert run_peer("zeebe", "w3", peers(tmp_path, SAYS_ITS_WORDS), None) == {"p50_ms": 20.0, "p99_ms": 75.0}


@pytest.mark.parametrize(
    ("name", "level", "asked"),
    [("restate", 64, "asked for w2 at 64"), ("temporal", 8, "asked for postgres signal at 8")],
)
def test_a_figure_that_is_missing_is_told_with_what_the_peer_said(tmp_path, name, level, asked):
    with pytest.raises(PeerError, match=asked):
        run_peer(name, "w2", peers(tmp_path, SAYS_ITS_WORDS), level)


def test_a_peer_that_is_not_there(tmp_path):
    with pytest.raises(PeerError, match="WEIR_PEERS_DIR"):
        run_peer("restate", "w1", tmp_path, None)


def test_a_peer_that_does_not_end_is_ended_with_what_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.peers.TIMEOUT_S", 3.0)
    script = f"trap 'touch {tmp_path}/stopped' EXIT\nsleep 1000 &\nwait"
    with pytest.raises(PeerError, match="did not end"):
        run_peer("restate", "w1", peers(tmp_path, script), None)
    assert (tmp_path / "stopped").exists()


def test_the_folder_of_the_peers(monkeypatch):
    assert peers_folder(Path("given")) == Path("given")
    monkeypatch.setenv("WEIR_PEERS_DIR", "/elsewhere")
    assert peers_folder(None) == Path("/elsewhere")


def test_rounds_alternate_and_ratios_are_of_medians(tmp_path):
    rates = iter([400.0, 1000.0, 500.0])
    levels = []
    told = []

    def ours(options, _emit):
        levels.append(options.outstanding)
        rate = next(rates)
        also = {"default": {"workload": "w1", "durability": "default", "rate": 2 * rate}}
        return {
            "workload": "w1",
            "rate": rate,
            "p50_ms": 16.0,
            "p99_ms": 50.0,
            "outstanding": 400,
            "cpu_us_total": 500.0,
            "also": also,
        }

    against = Against(("restate",), peers(tmp_path, SAYS_ITS_WORDS), 3)
    summary = compare("w1", ours, Options(), against, told.append)

    assert [(line["round"], line["system"]) for line in told] == [
        (number, system) for number in (1, 2, 3) for system in ("restate", "weir")
    ]
    assert levels == [Options().outstanding, (400,), (400,)]
    assert (summary["rate"], summary["rounds"]) == (500.0, [400.0, 1000.0, 500.0])
    theirs = summary["peers"]["restate"]
    assert (theirs["rate"], theirs["ratio"], theirs["ratio_default"]) == (100.0, 5.0, 10.0)
    assert (theirs["p50_ms"], theirs["p50_ms_ratio"]) == (8.0, 0.5)
    assert (theirs["cpu_us_total"], theirs["cpu_us_total_ratio"]) == (2000.0, 4.0)
