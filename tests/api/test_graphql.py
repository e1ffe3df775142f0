"""GraphQL over a real database: what leads where, who sees what, and how much may be asked at once."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from graphql import get_introspection_query, parse
from strawberry.types.base import StrawberryObjectDefinition

from projections import queries
from streams.core.durations import instant
from tests.api.inside import inside, settings_of
from tests.api.issuer import AUDIENCE, IssuingServer, issuing
from tests.projections.conftest import world_of
from tests.projections.story import DEFINITIONS, EVENTS, T0, Story, batch, cooling, numbered
from tests.site import migrated
from weir.api.graphql import limits
from weir.api.graphql.asking import Asking
from weir.api.graphql.fields import PERMISSIONS
from weir.api.graphql.limits import MAX_COST, MAX_DEPTH
from weir.api.graphql.schema import SCHEMA

PROJECT = Path(__file__).parents[2]
OF_TASKS = (PROJECT / "tests" / "golden" / "tasks.v1.jsonl").read_bytes().splitlines()
FIRST, SECOND = cooling("a"), cooling("b", started_ms=T0 + 1, device="hp-2")
FAILED = (
    Story("c", started_ms=T0 + 2, definition_id="other")
    .tell("started", key="hp-1", variables={"n": 7})
    .enter("work")
    .tell("failed", "work", error_type="http", error="503")
)


class Site(NamedTuple):
    """A gateway whose database has four stories, and an issuer of who asks it."""

    api: httpx.AsyncClient
    issuer: IssuingServer
    url: str

    async def ask(self, query: str, who: dict[str, Any] | None = None, **variables: Any) -> dict[str, Any]:
        """The whole answer; by default to an operator."""
        headers = {"Authorization": f"Bearer {self.issuer.token(**(who or {'roles': ['operator']}))}"}
        found = await self.api.post("/graphql", headers=headers, json={"query": query, "variables": variables})
        assert found.status_code == 200, found.text
        answer: dict[str, Any] = found.json()
        return answer

    async def data(self, query: str, who: dict[str, Any] | None = None, **variables: Any) -> Any:
        answer = await self.ask(query, who, **variables)
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture(scope="module")
async def site(lasting_database: Callable[..., str]) -> AsyncIterator[Site]:
    url = lasting_database(migrated)
    content = {"id": "temperature-control", "version": 1, "name": "Cooling"}
    deployed = orjson.dumps({"v": 1, "hash": "h", "definition": content, "deployed_at": instant(T0), **content})
    async with world_of(url) as world:
        await world.begin()
        events = [value for story in (FIRST, SECOND, FAILED) for value in story.values]
        await world.projector.project(batch(EVENTS, numbered([*events, *OF_TASKS])))
        await world.projector.project(batch(DEFINITIONS, numbered([deployed])))
    async with issuing() as issuer:
        settings = settings_of(database_url=url, oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        async with inside(settings) as api:
            yield Site(api, issuer, url)


async def test_what_belongs_to_instances_takes_one_question_a_kind(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = Asking.ask

    async def counted(self: Asking, question: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(question.__name__)
        return await ask(self, question, *args, **kwargs)

    monkeypatch.setattr(Asking, "ask", counted)
    found = await site.data(
        """{ processes(first: 20) { nodes {
            id status variables trigger stepsCompleted definition { name definition }
            history(first: 3) { seq eventType }
            incidents { errorType process { id } }
            tasks { id title form process { businessKey } }
        } } }"""
    )
    assert sorted(asked) == [
        "_histories", "definitions_of", "incidents_of", "instances", "instances_of", "tasks_by_id", "tasks_of",
    ]  # fmt: skip
    nodes = {node["id"]: node for node in found["processes"]["nodes"]}
    first, failed = nodes[FIRST.id], nodes[FAILED.id]
    assert (first["status"], first["variables"]["temperature"], first["trigger"]["topic"]) == (
        "completed", 88.25, FIRST.events[0].data["trigger"]["topic"],
    )  # fmt: skip
    content = {"id": "temperature-control", "version": 1, "name": "Cooling"}
    assert first["definition"] == {"name": "Cooling", "definition": content}
    assert [one["seq"] for one in first["history"]] == [1, 2, 3]
    assert (failed["definition"], failed["incidents"]) == (None, [{"errorType": "http", "process": {"id": FAILED.id}}])
    visits = [task for node in nodes.values() for task in node["tasks"] if task["title"].startswith("Repair")]
    assert all(task["form"]["required"] == ["note"] for task in visits)
    assert len(visits) == 4


async def test_lists_go_on_by_their_cursors(site: Site) -> None:
    for name, where in (("processes", ""), ("tasks", 'status: "all", '), ("incidents", "")):
        query = f"""query ($after: String) {{ {name}({where}first: 2, after: $after) {{
            nodes {{ __typename {"instanceId seq" if name == "incidents" else "id"} }}
            edges {{ cursor }} pageInfo {{ hasNextPage endCursor hasPreviousPage }}
        }} }}"""
        pages = [(await site.data(query))[name]]
        while pages[-1]["pageInfo"]["hasNextPage"]:
            assert pages[-1]["edges"][-1]["cursor"] == pages[-1]["pageInfo"]["endCursor"]
            pages.append((await site.data(query, after=pages[-1]["pageInfo"]["endCursor"]))[name])
        seen = [str(node) for page in pages for node in page["nodes"]]
        assert len(seen) == len(set(seen)) == {"processes": 9, "tasks": 6, "incidents": 1}[name]
        assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False] + [True] * (len(pages) - 1)


async def test_single_things_and_conditions(site: Site) -> None:
    found = await site.data(
        """query ($id: ID!, $where: ProcessWhere) {
            process(id: $id) { reference history(after: 13, types: ["completed"]) { seq message } }
            none: process(id: "0142db2e-1660-8000-b381-3c0395ceae29") { id }
            processes(where: $where) { nodes { id error } }
            processCount(where: $where) { count isEstimate }
            definitions { id active source }
            definition(id: "temperature-control") { version }
            statistics(definition: "temperature-control") { completed p50Ms }
        }""",
        id=FIRST.id,
        where={"key": "hp-1", "status": ["failed"], "startedFrom": "2000-01-01T00:00:00Z", "variable": ["n=7"]},
    )
    assert found == {
        "process": {"reference": "Pump hp-1", "history": [{"seq": len(FIRST.events), "message": None}]},
        "none": None,
        "processes": {"nodes": [{"id": FAILED.id, "error": "http: 503"}]},
        "processCount": {"count": 1, "isEstimate": False},
        "definitions": [{"id": "temperature-control", "active": True, "source": None}],
        "definition": {"version": 1},
        "statistics": {"completed": 2, "p50Ms": found["statistics"]["p50Ms"]},
    }


async def test_tasks_are_seen_by_those_whom_they_are_for(site: Site) -> None:
    query = """{ tasks(status: "all", first: 100) { nodes { id title answers } }
                 processes(first: 20) { nodes { tasks { id } history { eventType data } } } }"""
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for name in ("anna", "cyd", "operator"):
        who = {"roles": ["operator"]} if name == "operator" else {"sub": name, "roles": ["viewer"]}
        found = await site.data(query, who)
        nested = {task["id"] for node in found["processes"]["nodes"] for task in node["tasks"]}
        listed = {task["id"] for task in found["tasks"]["nodes"]}
        assert listed <= nested, "the list has what is to be done, an instance also what was"
        seen[name] = (listed, nested)
        events = [event for node in found["processes"]["nodes"] for event in node["history"]]
        answers = [event["data"]["answers"] for event in events if event["data"].get("answers")]
        assert answers
        assert ("***" in answers) == (name != "operator")
    assert len(seen["operator"][1]) == 6
    assert seen["anna"][1].isdisjoint(seen["cyd"][1])
    assert seen["anna"][1] | seen["cyd"][1] <= seen["operator"][1]
    (theirs, *_) = sorted(seen["cyd"][1])
    shown = "query ($id: ID!) { task(id: $id) { id process { id } } }"
    assert (await site.data(shown, {"sub": "cyd", "roles": ["viewer"]}, id=theirs))["task"]["id"] == theirs
    assert await site.data(shown, {"sub": "anna", "roles": ["viewer"]}, id=theirs) == {"task": None}


async def test_fields_need_the_scopes_of_the_routes(site: Site) -> None:
    who = {"scope": "processes:view"}
    found = await site.ask("{ tasks { nodes { id } } }", who)
    assert found["data"] is None
    (error,) = found["errors"]
    assert (error["path"], error["extensions"]["status"], error["extensions"]["type"]) == (
        ["tasks"], 403, "/problems/forbidden",
    )  # fmt: skip
    assert "tasks:view" in error["message"]
    found = await site.ask("{ processes(first: 1) { nodes { id } } definitions { id } }", who)
    assert "errors" not in found
    nested = await site.ask("{ processes(first: 1) { nodes { tasks { id } } } }", who)
    assert nested["errors"][0]["extensions"]["status"] == 403
    another = await site.ask('{ tasks(user: "ben") { nodes { id } } }', {"sub": "anna", "roles": ["viewer"]})
    assert another["errors"][0]["extensions"]["detail"] == "Expected the scope tasks:assign to see tasks of ben"


def test_every_field_that_asks_needs_a_scope() -> None:
    for name in ("Query", "Process", "Task", "Incident", "Definition"):
        definition = SCHEMA.get_type_by_name(name)
        assert isinstance(definition, StrawberryObjectDefinition)
        for field in definition.fields:
            if field.base_resolver is not None:
                (permission,) = field.permission_classes
                assert permission in PERMISSIONS.values(), field.name


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ processes {", "Syntax Error"),
        ("{ nothing }", "Cannot query field 'nothing'"),
        ("mutation { start }", "Expected a query"),
        ('{ process(id: "x") { id } }', "Expected"),
        ("{ processes(first: 0) { nodes { id } } }", "Expected 1 to 1000 in first, but got 0"),
        ('{ processes(after: "x") { nodes { id } } }', "Expected a cursor"),
        ('{ processes(where: {status: ["open"]}) { nodes { id } } }', "where.status.0"),
        ('{ processes(where: {variable: ["a=1"]}) { nodes { id } } }', "Expected started_from beside variable"),
        ('{ tasks(status: "late") { nodes { id } } }', "Expected one of open"),
        ('{ processes { nodes { history(types: ["start"]) { seq } } } }', "Expected types of events, but got 'start'"),
        ("{ processes(first: 1000) { nodes { history(first: 1000) { seq } } } }", f"a cost of at most {MAX_COST}"),
        ("{ incidents { nodes " + "{ process { incidents " * 8 + "{ seq }" + "} }" * 8 + " } }", f"most {MAX_DEPTH}"),
        ("{ a " * 900 + "}" * 900, ""),
        ("{ definitions { " + "id " * 3000 + "} }", "tokens"),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_says_why(site: Site, query: str, told: str) -> None:
    found = await site.ask(query)
    assert told in found["errors"][0]["message"], found


async def test_a_fragment_that_is_spread_again_and_again_is_counted_at_once(site: Site) -> None:
    chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(80))
    query = f"{{ ...f0 }} {chain} fragment f80 on Query {{ definitions {{ id }} }}"
    found = await site.ask(query)
    assert "cost" in found["errors"][0]["message"]
    cycle = await site.ask("{ ...f } fragment f on Query { ...f }")
    assert "errors" in cycle


async def test_the_schema_may_be_asked_for_but_not_without_end(site: Site) -> None:
    types = (await site.data(get_introspection_query()))["__schema"]["types"]
    assert {"Process", "Task", "Incident"} <= {one["name"] for one in types}
    deep = await site.ask("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }")
    assert "introspection depth" in deep["errors"][0]["message"]
    many = await site.ask("{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(11)) + " }")
    assert "cost" in many["errors"][0]["message"]


async def test_how_many_are_asked_for_may_be_a_variable(site: Site) -> None:
    query = "query ($n: Int!) { processes(first: $n) { nodes { history(first: $n) { seq } } } }"
    assert (await site.ask(query, n=1000))["errors"][0]["message"].startswith("Expected a cost of at most")
    assert len((await site.data(query, n=2))["processes"]["nodes"]) == 2


async def test_statuses_and_media_types(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.issuer.token(roles=['viewer'])}"}
    accepting = headers | {"Accept": "application/graphql-response+json"}
    for body, status, kind in (
        ({"query": "{ definitions { id } }"}, 200, accepting["Accept"]),
        ({"query": "{ nothing }"}, 400, accepting["Accept"]),
        ({"query": "query a { definitions { id } }", "operationName": "b"}, 400, accepting["Accept"]),
        ({}, 422, "application/problem+json"),
        ({"query": ""}, 422, "application/problem+json"),
    ):
        found = await site.api.post("/graphql", headers=accepting, json=body)
        assert (found.status_code, found.headers["content-type"]) == (status, kind), found.text
    found = await site.api.post("/graphql", headers=headers | {"Idempotency-Key": "a"}, json={"query": "{ nothing }"})
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
    assert "x-request-id" not in found.headers, "a question is no write: nothing of it is in the audit log"


async def test_a_database_that_is_away_is_a_problem_of_the_whole(site: Site) -> None:
    async with inside(settings_of(api_auth="off")) as api:
        found = await api.post("/graphql", json={"query": "{ definitions { id } processes { nodes { id } } }"})
    assert (found.status_code, found.json()["type"]) == (503, "/problems/database_unreachable")


async def test_a_mistake_of_ours_is_not_told_as_an_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Any) -> Any:
        raise LookupError("a mistake")

    monkeypatch.setattr(queries, "definitions", broken)
    with pytest.raises(LookupError):
        await site.ask("{ definitions { id } }")


def test_the_library_is_imported_when_it_is_asked_for() -> None:
    """Nothing that a role imports at its start names it."""
    package = PROJECT / "weir" / "api" / "graphql"
    imports = re.compile(r"^\s*(from|import) (strawberry|graphql|weir\.api\.graphql)\b", re.MULTILINE)
    sources = [file for folder in ("streams", "projections", "weir") for file in (PROJECT / folder).rglob("*.py")]
    found = [file for file in sources if imports.search(file.read_text())]
    assert found
    assert [file for file in found if package not in file.parents] == []


def test_costs_are_those_of_what_is_asked_for() -> None:
    def cost(query: str, **variables: Any) -> int:
        errors = limits.excess(SCHEMA._schema, parse(query), variables)
        return int(re.findall(r"has (\d+)", errors[0].message)[0]) if errors else 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_COST", 0)
        assert cost("{ definition(id: 1) { id name } }") == 3
        assert cost("{ definitions { id } }") == 1 + limits.OF_A_LIST
        assert cost("{ processes(first: 3) { nodes { id tasks(first: 2) { id } } } }") == 1 + 3 * (1 + 1 + 1 + 2)
        assert cost("query ($n: Int) { processes(first: $n) { nodes { id } } }", n=5) == 1 + 5 * 2
