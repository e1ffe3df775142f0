"""A saved template is its author's: others see it, when it is public, and neither replace nor remove it."""

from collections.abc import Callable

import asyncpg
import httpx

from tests.site import migrated
from weir.repository import saved_templates
from weir.repository.templates import parsed

BASE = "/api/processes/templates"
TEXT = """
kind: template
id: {id}
name: {name}
parameters: {{}}
definition:
  id: tells
  name: Tells
  version: 1
  trigger: {{type: api}}
  activities:
    - {{id: tell, type: service, action: log, config: {{message: hello}}}}
    - {{id: end, type: end}}
"""


async def author(api: httpx.AsyncClient, name: str) -> dict[str, str]:
    made = await api.post("/api-keys", json={"name": name, "roles": ["author"]})
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def test_who_may_remove_a_saved_template(api: httpx.AsyncClient) -> None:
    ann, ben = await author(api, "ann"), await author(api, "ben")
    for id_ in ("anns", "anns-other"):
        text = TEXT.format(id=id_, name="Hers")
        assert (await api.post(f"{BASE}/import", json={"text": text}, headers=ann)).status_code == 201
    shown = await api.get(f"{BASE}/anns", headers=ben)
    assert (shown.status_code, shown.json()["created_by"]) == (200, "ann")
    refused = await api.delete(f"{BASE}/anns", headers=ben)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden"), refused.text
    taken = await api.post(
        f"{BASE}/import", json={"text": TEXT.format(id="anns", name="His"), "replace": True}, headers=ben
    )
    assert taken.status_code == 409
    assert (await api.get(f"{BASE}/anns", headers=ann)).json()["name"] == "Hers"
    assert (await api.delete(f"{BASE}/anns", headers=ann)).status_code == 200
    assert (await api.delete(f"{BASE}/anns-other")).status_code == 200, "an administrator"


async def test_one_that_another_saves_meanwhile_is_not_replaced(fresh_database: Callable[..., str]) -> None:
    connection = await asyncpg.connect(fresh_database(migrated))
    hers, his = (parsed(TEXT.format(id="t", name=name), "t") for name in ("Hers", "His"))
    assert await saved_templates.save(connection, hers, by="ann", is_public=True, replaces="own") is not None
    assert await saved_templates.save(connection, his, by="ben", is_public=True) is None
    assert await saved_templates.save(connection, his, by="ben", is_public=True, replaces="own") is None
    own = await saved_templates.save(connection, hers, by="ann", is_public=False, replaces="own")
    assert own is not None
    assert (own.name, own.created_by, own.is_public) == ("Hers", "ann", False)
    by_admin = await saved_templates.save(connection, his, by="admin", is_public=True, replaces="anybody's")
    assert by_admin is not None
    assert (by_admin.name, by_admin.created_by) == ("His", "ann")
    await connection.close()
