"""The library of templates tells of one that cannot be read, and shows the others."""

from pathlib import Path

import httpx

from streams.settings import Settings
from streams.topics import Topics
from tests.answers import eventually
from tests.api.conftest import ADMIN
from tests.api.inside import inside
from tests.api.test_template_owners import BASE, TEXT
from weir.database import connected


async def test_one_that_cannot_be_read_hides_no_other(site: tuple[Settings, Topics], tmp_path: Path) -> None:
    settings = site[0].model_copy(update={"definitions_path": tmp_path})
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "torn.yaml").write_text("kind: template\n  id: [")
    (folder / "bytes.yaml").write_bytes(b"\xff\xfe")
    async with inside(settings) as api:
        api.headers.update(ADMIN)
        await eventually(lambda: api.get("/health"), lambda found: found.status_code == 200)
        await _hides_none(api, settings)


async def _hides_none(api: httpx.AsyncClient, settings: Settings) -> None:
    assert (await api.post(f"{BASE}/import", json={"text": TEXT.format(id="good", name="Good")})).status_code == 201
    async with connected(settings) as connection:  # as an older Weir may have saved it
        insert = (
            "INSERT INTO saved_templates (id, name, category, template_data, created_by) VALUES ($1, $2, $3, $4, $5)"
        )
        await connection.execute(insert, "old", "Old", "monitoring", "kind: template\nid: old\nsteps: []", "ann")
    listed = {one["id"]: one for one in (await api.get(BASE)).json()["templates"]}
    assert listed.keys() >= {"good", "old", "torn", "bytes", "watchdog"}
    assert (listed["old"]["name"], listed["old"]["category"], listed["old"]["created_by"]) == (
        "Old",
        "monitoring",
        "ann",
    )
    assert "Unknown field 'steps'" in listed["old"]["problem"] or "definition" in listed["old"]["problem"]
    assert "torn.yaml:" in listed["torn"]["problem"]
    assert "UTF-8" in listed["bytes"]["problem"]
    assert {listed[one]["problem"] for one in ("good", "watchdog")} == {None}
    for asked in (await api.get(f"{BASE}/old"), await api.post(f"{BASE}/old/instantiate", json={})):
        assert (asked.status_code, asked.json()["type"]) == (422, "/problems/invalid_template"), asked.text
    assert (await api.get(f"{BASE}/old", params={"format": "yaml"})).text.startswith("kind: template")
    assert (await api.get(f"{BASE}/good")).status_code == 200
    assert (await api.delete(f"{BASE}/old")).status_code == 200
