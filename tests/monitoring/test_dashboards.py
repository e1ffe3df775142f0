"""Every panel and every alert asks for metrics, labels and columns that there are."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import promql_parser
import pytest

from streams.monitoring.catalogue import METRICS
from streams.settings import Settings
from tests.containers.files import load_compose
from tests.monitoring.dashboards import DASHBOARDS, FOLDER, SCRAPES, Question, alerts, load_yaml, promql, sql
from weir.database import bring_up_to_date
from weir.role import MODULES

SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds."""
OTHERS = {"up": (), "process_cpu_seconds_total": (), "process_resident_memory_bytes": ()}
SUFFIXES = ("_bucket", "_count", "_sum")
QUESTIONS = promql()
SERVICES = load_compose()["services"]


def labels_of(name: str) -> set[str]:
    """Of the series ``name``.  Raises ``KeyError``."""
    if name in OTHERS:
        return SCRAPED
    for suffix in SUFFIXES:
        base = name.removesuffix(suffix)
        if base != name and base in METRICS and METRICS[base].kind == "histogram":
            return {*METRICS[base].labels, *SCRAPED, *(["le"] if suffix == "_bucket" else [])}
    if METRICS[name].kind == "histogram":
        raise KeyError(name)
    return {*METRICS[name].labels, *SCRAPED}


def walk(node: Any) -> Iterator[Any]:
    """An expression and all in it."""
    yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        inner = getattr(node, name, None)
        if inner is not None:
            yield from walk(inner)
    for argument in getattr(node, "args", None) or ():
        yield from walk(argument)


@pytest.mark.parametrize("question", QUESTIONS, ids=[one.of for one in QUESTIONS])
def test_metrics_and_labels_exist(question: Question) -> None:
    nodes = list(walk(promql_parser.parse(question.text)))
    selectors = [node for node in nodes if type(node).__name__ == "VectorSelector"]
    assert selectors
    known: set[str] = set()
    for selector in selectors:
        labels = labels_of(selector.name)
        known |= labels
        used = {one.name for one in selector.matchers.matchers}
        assert used <= labels, f"{selector.name} has no {used - labels}"
    for node in nodes:
        modifier = getattr(node, "modifier", None)
        if type(node).__name__ == "AggregateExpr" and modifier is not None:
            assert set(modifier.labels) <= known


def test_a_wrong_one_would_be_found() -> None:
    with pytest.raises(KeyError):
        labels_of("weir_batch_seconds")  # a histogram has no series of its own name
    with pytest.raises(KeyError):
        labels_of("weir_lag_records_total")
    assert "le" not in labels_of("weir_batch_seconds_count")


async def test_the_database_answers_each_query(settings: Settings) -> None:
    await bring_up_to_date(settings)
    connection = await asyncpg.connect(settings.database_url.reveal())
    try:
        for question in sql():
            await connection.fetch(question.text)
    finally:
        await connection.close()
    assert len(sql()) == 4


def test_alerts_say_what_to_do() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "description"} == alert["annotations"].keys()
    assert len({alert["alert"] for alert in alerts()}) == len(alerts())


def test_every_role_is_scraped() -> None:
    [roles, api] = load_yaml(SCRAPES)["scrape_configs"]
    [found] = roles["dns_sd_configs"]
    assert {*found["names"], "api"} == MODULES.keys()
    assert str(found["port"]) == SERVICES["processor"]["environment"]["WEIR_WEB_PORT"]
    assert api["static_configs"] == [{"targets": [f"api:{Settings.model_construct().api_port}"]}]


def test_what_grafana_is_provisioned_with_is_where_it_looks() -> None:
    grafana = SERVICES["grafana"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in grafana["volumes"])
    [provider] = load_yaml(FOLDER / "grafana" / "provisioning" / "dashboards" / "weir.yml")["providers"]
    assert mounts["./redpanda/grafana/dashboards"] == provider["options"]["path"]
    sources = load_yaml(FOLDER / "grafana" / "provisioning" / "datasources" / "weir.yml")["datasources"]
    prometheus, database = sources
    assert urlsplit(prometheus["url"]).netloc == "prometheus:9090"
    assert database["url"] == "timescaledb:5432"
    assert database["secureJsonData"]["password"] == "$POSTGRES_PASSWORD"
    assert grafana["environment"]["POSTGRES_PASSWORD"] == SERVICES["timescaledb"]["environment"]["POSTGRES_PASSWORD"]
    uids = {one["uid"]: one["type"] for one in sources}
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        assert board["uid"] == path.stem
        for panel in board["panels"]:
            for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
                assert uids[source["uid"]] == source["type"]
