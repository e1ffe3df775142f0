"""Whose task it is, and as whom one works: the rules, without any service."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from projections.queries import Task
from weir.api.auth import ROLES, Principal
from weir.api.auth.principal import ANYBODY
from weir.api.problems import ProblemError
from weir.api.routes.task_access import acting_as, is_theirs, whose
from weir.api.routes.task_models import By

AT = datetime(2026, 1, 1, tzinfo=UTC)


def person(name: str, *groups: str, role: str | None = None) -> Principal:
    own: Any = {"tasks:view", "tasks:work"} if role is None else ROLES[role]
    return Principal(id=name, name=name, kind="user", groups=frozenset(groups), scopes=frozenset(own))


def task(**wanted: Any) -> Task:
    base = {
        "id": "x:1",
        "instance_id": UUID(int=1),
        "activity_id": "a",
        "definition_id": "d",
        "definition_version": 1,
        "title": "t",
        "status": "created",
        "assignee": None,
        "owner": None,
        "candidate_users": [],
        "candidate_groups": [],
        "queue": None,
        "priority": 50,
        "due": None,
        "approvers": [],
        "votes": {},
        "outcome": None,
        "escalation_level": 0,
        "created_at": AT,
        "claimed_at": None,
        "completed_at": None,
        "completed_by": None,
        "description": None,
        "outcomes": [],
        "form": None,
        "answers": None,
    }
    return Task(**base | wanted)


@pytest.mark.parametrize(
    ("wanted", "who", "theirs"),
    [
        ({"assignee": "anna"}, person("anna"), True),
        ({"assignee": "anna"}, person("ben"), False),
        ({"assignee": "anna", "owner": "ben"}, person("ben"), True),
        ({"candidate_users": ["anna"]}, person("anna"), True),
        ({"candidate_users": ["anna"]}, person("ben"), False),
        ({"candidate_groups": ["night"]}, person("ben", "day", "night"), True),
        ({"candidate_groups": ["night"]}, person("ben", "day"), False),
        ({"candidate_groups": ["night"], "assignee": "anna"}, person("ben", "night"), True),
        ({"approvers": ["anna", "ben"]}, person("ben"), True),
        ({"approvers": ["anna", "ben"]}, person("eva"), False),
        ({"completed_by": "eva", "status": "completed", "candidate_users": ["anna"]}, person("eva"), True),
        ({}, person("eva"), True),
        ({"assignee": "anna"}, person("eva", role="viewer"), False),
        ({"assignee": "anna"}, person("eva", role="author"), False),
        ({"assignee": "anna"}, person("eva", role="operator"), True),
        ({"assignee": "anna"}, person("eva", role="admin"), True),
    ],
)
def test_whose_task_it_is(wanted: dict[str, Any], who: Principal, theirs: bool) -> None:
    assert is_theirs(who, task(**wanted)) == theirs


def test_whose_tasks_a_list_shows() -> None:
    anna = person("anna", "day", "night")
    assert whose(anna, None, ()) == whose(anna, "anna", ()) == ("anna", ["day", "night"])
    assert whose(anna, None, ["night", "chiefs"]) == ("anna", ["night"])
    assert whose(anna, None, ["chiefs"]) == ("anna", [])
    with pytest.raises(ProblemError, match="tasks:assign") as caught:
        whose(anna, "ben", ())
    assert caught.value.status == 403
    assert whose(person("eva", role="operator"), "ben", ["x"]) == ("ben", ["x"])
    assert whose(person("eva", role="operator"), None, ()) == (None, ())


def test_as_whom_one_works() -> None:
    anna, chief = person("anna", "night"), person("chief", role="admin")
    assert acting_as(anna, By()) == acting_as(anna, By(user="anna", groups=["chiefs"])) == ("anna", ["night"])
    assert acting_as(chief, By(user="ben", groups=["day"])) == ("ben", ["day"])
    assert acting_as(chief, By()) == ("chief", [])
    for who in (anna, person("eva", role="operator")):
        with pytest.raises(ProblemError) as caught:
            acting_as(who, By(user="ben"))
        assert caught.value.status == 403
    assert acting_as(ANYBODY, By(user="ben", groups=["day"])) == ("ben", ["day"])
    with pytest.raises(ProblemError) as missing:
        acting_as(ANYBODY, By())
    assert missing.value.errors[0][0] == "body.user"
