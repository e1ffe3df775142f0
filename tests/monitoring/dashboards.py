"""The files of Grafana and Prometheus as data: what they ask for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tests.containers.files import ROOT

FOLDER = ROOT / "redpanda"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
ALERTS, SCRAPES = FOLDER / "prometheus" / "alerts.yml", FOLDER / "prometheus" / "prometheus.yml"
MACROS = {"$__rate_interval": "1m", "$__range": "1h", "$definition": ".*"}
"""What Grafana fills in."""


class Question(NamedTuple):
    """Of a panel or an alert, in PromQL or SQL."""

    of: str
    text: str


def load_yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def _panels(key: str) -> Iterator[Question]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                if key in target:
                    yield Question(f"{path.stem}: {panel['title']} {target['refId']}", target[key])


def promql() -> list[Question]:
    """Every expression, as Prometheus gets it."""
    found = [*_panels("expr"), *(Question(one["alert"], one["expr"]) for one in alerts())]
    for macro, value in MACROS.items():
        found = [Question(of, text.replace(macro, value)) for of, text in found]
    return found


def sql() -> list[Question]:
    """Every query of the database, with times that Grafana would fill in."""
    span = "started_at BETWEEN now() - interval '1 hour' AND now()"
    return [Question(of, text.replace("$__timeFilter(started_at)", span)) for of, text in _panels("rawSql")]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in load_yaml(ALERTS)["groups"] for rule in group["rules"]]
