"""`yanchi evaluate persona` on a desk that is open, its engine a scripted one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

import yanchi
from server.app import create_app
from server.engines.scripted import ScriptedEngine
from server.presence import announce
from tests.server.conftest import make_desk
from tests.server.v1.conftest import listening
from training.judging.persona.sides import Side

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "script.txt"
QUICK = ("--role", "嬛嬛", "--scenes", "2", "--lines", "2", "--tokens", "40")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judged") / "desk"


@pytest.fixture(scope="module")
def engine(data_dir: Path) -> Iterator[ScriptedEngine]:
    """Of a desk with two personas: 嬛嬛 without a work, and 闻才人 at the end of a first chapter."""
    engine = ScriptedEngine()
    with listening(create_app(make_desk(data_dir, engine))) as address:
        announce(data_dir, address)
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as http:

            def made(path: str, **fields: Any) -> str:
                answer = http.post(path, json=fields)
                assert answer.is_success, answer.text
                return str(answer.json()["id"])

            made("/api/personas", name="嬛嬛", slug="tingliu", description="嬛嬛住在听柳轩。")
            work = made("/api/works", title="试书")
            first = made(f"/api/works/{work}/chapters", title="一", text="渡口有个守渡人，姓秦。")
            later = made(f"/api/works/{work}/chapters", title="二", text="守渡人换成了罗长庚。")
            fact = {"entity": "渡口", "attribute": "守渡人", "value": "罗长庚"}
            http.post(f"/api/works/{work}/facts", json=fact | {"since_chapter_id": later})
            made("/api/personas", name="闻才人", slug="wen", description="闻才人，在渡口等船。",
                 work_id=work, chapter_id=first)  # fmt: skip
        yield engine


def call(data_dir: Path, *words: Any) -> Result:
    return CliRunner().invoke(yanchi.app, [*map(str, words), "--data-dir", str(data_dir)])


def judged(data_dir: Path, *words: Any) -> dict[str, Any]:
    result = call(data_dir, "evaluate", "persona", *words, "--json")
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(
        Path(json.loads(result.stdout)["report"]).read_text("utf-8")
    )
    return report


def measure(report: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(m["cells"] for m in report["measures"] if m["code"] == code)
    return found


def test_a_persona_is_judged_through_the_desk(data_dir: Path, engine: ScriptedEngine) -> None:
    report = judged(data_dir, SAMPLE, *QUICK)
    assert report["sides"] == [Side.BASE, Side.CARD, Side.RECALLING]
    assert any("没有给适配器" in each for each in report["missing"])
    assert report["subject"]["held_out"].startswith("按场抽出的")
    prompts = [r.messages[0].content for r in engine.requests if r.max_tokens > 1]
    assert any("你就是嬛嬛" in each for each in prompts), "the desk's own prompt"
    distance = measure(report, "distance")
    assert {"base", "card", "card+retrieval", "reference", "other"} == set(distance)
    assert all(each["groups"] == 2 and 0 < each["value"]["mean"] < 1 for each in distance.values())
    assert set(measure(report, "leaks").values()) == {None}, "no work: no cell, not nought"
    assert measure(report, "character")["card"]["answers"] >= 12
    assert report["classifier"]["own"] > report["classifier"]["others"]
    assert len(report["examples"]) == report["subject"]["lines"]
    page = (data_dir / "reports" / "persona-tingliu" / "report.html").read_text("utf-8")
    assert "人物评测：嬛嬛" in page
    assert "<script" not in page
    # The same again: nobody answers twice.
    answered = len(prompts)
    assert judged(data_dir, SAMPLE, *QUICK)["measures"] == report["measures"]
    assert len([r for r in engine.requests if r.max_tokens > 1]) == answered


def test_a_persona_with_a_place_is_asked_for_what_comes_later(
    data_dir: Path, engine: ScriptedEngine
) -> None:
    report = judged(data_dir, SAMPLE, "--role", "闻才人", "--scenes", "1", "--lines", "1",
                    "--tokens", "20")  # fmt: skip
    assert report["subject"]["persona"] == "闻才人", "found by another of the role's names"
    asked = {each["id"]: each for each in report["asked"] if each["kind"] == "later"}
    assert asked["later:fact-1"]["holds"] == "渡口（守渡人）：罗长庚"
    assert measure(report, "leaks")["card"]["value"]["mean"] == 0
    said = [message.content for each in engine.requests for message in each.messages]
    assert not any("罗长庚" in each for each in said), "no question gives it away"


def test_without_an_open_desk_it_is_said(tmp_path: Path) -> None:
    result = call(tmp_path, "evaluate", "persona", SAMPLE, *QUICK)
    assert result.exit_code == 1
    assert "没有开着的书桌" in result.output
