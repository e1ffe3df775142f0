"""Requests made from the gateway's own OpenAPI document, and what its answers must keep."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LEAST_WAIT = {"timeout": "1s", "wait_for": "0s", "wait": "1"}
REFUSED = 400
TIMEOUT_S = 60.0
PROBLEM = "application/problem+json"


@dataclass
class Fuzzer:
    """Asks ``client``, whose event loop is ``loop``, from another thread.

    ``known`` are ids that there are, by the name of the path's parameter: chance never finds one.
    """

    client: httpx.AsyncClient
    loop: asyncio.AbstractEventLoop
    known: Mapping[str, str]
    wrong: dict[str, str] = field(default_factory=dict)
    """What answers did not keep, with a request that shows it; by operation and failure."""
    answered: dict[str, set[int]] = field(default_factory=dict)
    """Statuses by operation."""

    def run(self, document: Mapping[str, Any], examples: int) -> None:
        """So many requests for each operation that fit the document, and as many that do not."""
        schema = schemathesis.openapi.from_dict(_asked(document))
        for found in schema.get_all_operations():
            operation = found.ok()
            self._run(operation.as_strategy(), GenerationMode.POSITIVE, examples)
            with suppress(Unsatisfiable):  # where there is nothing to get wrong
                wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
                self._run(wrong, GenerationMode.NEGATIVE, examples)

    def _run(self, cases: st.SearchStrategy[Case], mode: GenerationMode, examples: int) -> None:
        fits = mode is GenerationMode.POSITIVE
        known = itertools.cycle((fits, False))

        @hypothesis_settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def ask(case: Case) -> None:
            self._ask(case, fits=fits, known=next(known))

        ask()

    def _ask(self, case: Case, *, fits: bool, known: bool) -> None:
        for named in (case.path_parameters, case.body):
            if known and isinstance(named, dict):
                named |= {name: one for name, one in self.known.items() if name in named}
        if fits and case.query:
            case.query |= {name: least for name, least in LEAST_WAIT.items() if name in case.query}
        try:
            wanted = requests.Request(**case.as_transport_kwargs(base_url="http://weir")).prepare()
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
            return  # no client can send it
        asked = self.client.request(wanted.method, wanted.url, headers=dict(wanted.headers), content=wanted.body)
        answer = asyncio.run_coroutine_threadsafe(asked, self.loop).result(TIMEOUT_S)
        label = case.operation.label
        self.answered.setdefault(label, set()).add(answer.status_code)
        shown = f"{wanted.method} {wanted.url} {(wanted.body or b'')[:600]!r}\n{wanted.headers}\n"
        shown += f"{answer.status_code} {answer.text[:600]}"
        if answer.status_code >= REFUSED and answer.headers["content-type"] != PROBLEM:
            self.wrong.setdefault(f"{label}: no problem document", shown)
        try:
            case.validate_response(answer, checks=CHECKS if fits else [*CHECKS, negative_data_rejection])
        except FailureGroup as group:
            for failure in group.exceptions:
                self.wrong.setdefault(f"{label}: {failure.title}", f"{shown}\n{failure}")


def _asked(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what it would ask otherwise than an HTTP client can, or than ``client`` does.

    Without security, or it would send credentials of its own.  Without queries that are lists of any text: whatever is
    sent is one.
    """
    asked = {name: part for name, part in document.items() if name != "security"}
    asked["components"] = {name: part for name, part in document["components"].items() if name != "securitySchemes"}
    asked["paths"] = {
        path: {
            method: {
                **one,
                "security": [],
                "parameters": [of_one for of_one in one.get("parameters", []) if not _takes_any_text(of_one)],
            }
            for method, one in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    return asked


def _takes_any_text(parameter: Mapping[str, Any]) -> bool:
    schema = parameter["schema"]
    return {"type": "array", "items": {"type": "string"}} in [schema, *schema.get("anyOf", [])]


def said(fuzzer: Fuzzer) -> Iterator[str]:
    """What is wrong, for people."""
    for what, how in fuzzer.wrong.items():
        yield f"--- {what}\n{how}"
