"""Prompt templates that the author changes: kept, checked, and used by the next continuation."""

from typing import Any

import pytest

from tests.server.conftest import Client

ROOT = "/api/templates/continuation"


def _parts(api: Client, **change: str) -> dict[str, str]:
    shipped = api.ok("GET", ROOT)
    return {role: shipped[role] for role in ("system", "user", "assistant")} | change


def _prompt(api: Client, work: str, chapter: str) -> dict[str, Any]:
    path = f"/api/works/{work}/chapters/{chapter}/context"
    body: dict[str, Any] = api.ok("POST", path, json={"length": 50, "beat": "雨停了。"})
    return body


def test_a_saved_template_is_used_and_the_shipped_one_comes_back(api: Client) -> None:
    work, (*_, last) = api.book()
    shipped = api.ok("GET", ROOT)
    assert shipped["origin"] == "shipped"
    saved = api.ok("PUT", ROOT, json=_parts(api, system="{{ title }}：只写对话。"))
    assert (saved["origin"], saved["system"]) == ("desk", "{{ title }}：只写对话。")
    prompt = _prompt(api, work, last)
    assert prompt["template"] == saved["version"]
    assert prompt["messages"][0]["content"] == "试书：只写对话。"
    api.ok("DELETE", ROOT)
    assert api.ok("GET", ROOT) == shipped
    assert _prompt(api, work, last)["template"] == shipped["version"]
    versions = api.ok("GET", f"{ROOT}/versions")
    assert [(v["number"], v["shipped"]) for v in versions] == [(2, True), (1, False)]
    assert versions[1]["system"] == "{{ title }}：只写对话。"


def test_a_work_s_own_template_is_its_own(api: Client) -> None:
    work, (*_, last) = api.book()
    parts = _parts(api, system="这部书用的模板。")
    mine = api.ok("PUT", ROOT, json=parts, params={"work_id": work})
    assert mine["origin"] == "work"
    assert api.ok("GET", "/api/templates")[0]["origin"] == "shipped"
    assert _prompt(api, work, last)["template"] == mine["version"]
    other, (*_, last) = api.book()
    assert _prompt(api, other, last)["template"] == api.ok("GET", ROOT)["version"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"system": "{% for block in %}"}, "第 1 行"),
        ({"system": "{{ nobody }}"}, "nobody"),
        ({"system": "{{ ''.__class__.__mro__ }}"}, "unsafe"),
        ({"user": "{% for b in tail %}{{ b.text }}{% endfor %}"}, "beat"),
        ({"assistant": ""}, "正文"),
    ],
)
def test_a_template_that_cannot_work_is_refused(
    api: Client, change: dict[str, str], word: str
) -> None:
    told = api.refused(422, "broken_template", "PUT", ROOT, json=_parts(api, **change))
    assert word in told
    assert api.ok("GET", ROOT)["origin"] == "shipped"


def test_names_and_works_that_are_not_there(api: Client) -> None:
    nowhere = {"work_id": "0" * 32}
    api.refused(404, "template_not_found", "GET", "/api/templates/nobody")
    api.refused(404, "work_not_found", "GET", ROOT, params=nowhere)
    api.refused(404, "work_not_found", "PUT", ROOT, json=_parts(api), params=nowhere)


def test_a_work_brings_its_own_budget(api: Client) -> None:
    work, (*_, last) = api.book()
    path = f"/api/works/{work}"
    told = api.refused(
        422, "invalid_request", "PATCH", path, json={"defaults": {"budget": {"passage": 0.2}}}
    )
    assert "passages" in told
    for wrong in ({"tail": 2}, {"tail": "x"}, {"tail": True}, 7):
        api.refused(422, "invalid_request", "PATCH", path, json={"defaults": {"budget": wrong}})
    everything = dict.fromkeys(("system", "beat", "cast", "lore", "threads", "recap"), 0)
    api.ok("PATCH", path, json={"defaults": {"budget": everything | {"passages": 1, "tail": 0}}})
    kept = _prompt(api, work, last)["kept"]
    assert {k["id"] for k in kept if k["reason"] == "在本组的份额内"} <= {
        k["id"] for k in kept if k["group"] == "passages"
    }
