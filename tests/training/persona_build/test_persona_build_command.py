"""`yanchi persona build`: from a script to a persona on the desk."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

import yanchi
from server.app import create_app
from tests.server.conftest import Client, make_desk
from tests.server.talking import events, sent
from tests.training.served.served_peer import Peer, listening
from tests.training.tiny import make_base
from training.data.store import load
from training.types import Chat

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "script.txt"
SMALL = """第1幕
地点：渡口
青穗：船呢？
嬛嬛：船在对岸，人在这岸，你喊一声试试。
青穗：喊什么？
嬛嬛：喊我的名字，他听见了就过来。
第2幕
地点：听柳轩
青穗：主子，灯灭了。
嬛嬛：灭了就灭了，我认得路。
"""


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YANCHI_DATA_DIR", str(tmp_path / "desk"))
    return tmp_path / "desk"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "渡口.txt"
    path.write_text(SMALL, "utf-8")
    return path


def run(*words: Any) -> Result:
    return CliRunner().invoke(yanchi.app, ["persona", "build", *map(str, words)])


def told(*words: Any) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_script_becomes_a_persona_that_can_be_talked_to_and_asked(data_dir: Path) -> None:
    made = told(SAMPLE, "--role", "嬛嬛", "--slug", "tingliu")
    assert made["persona"] == "persona/tingliu"
    assert (made["made_by"], made["in_desk"]) == ("剧本原文摘录", True)
    assert "yanchi serve" in made["why_no_model"]
    desk = make_desk(data_dir)
    with TestClient(create_app(desk)) as http:
        api = Client(http, desk)
        (persona,) = api.ok("GET", "/api/personas")
        assert (persona["slug"], persona["name"]) == ("tingliu", "嬛嬛")
        assert persona["examples"] == made["voice"]
        lore = api.ok("GET", f"/api/personas/{persona['id']}/lore")
        assert len(lore) == made["lore"] > 5
        (document,) = api.ok("GET", f"/api/personas/{persona['id']}/documents")
        assert document["title"] == "嬛嬛的戏"
        body = {"question": "嬛嬛为什么用凉茶待客？"}
        answer = http.post(f"/api/personas/{persona['id']}/ask", json=body)
        passages = events(answer.text)[0][1]["passages"]
        assert any("凉茶" in each["source"] for each in passages[:3])
        talk = api.ok("POST", "/api/conversations", json={"persona_id": persona["id"]})
        root = f"/api/conversations/{talk['id']}"
        leaf = api.ok("GET", f"{root}/tree")["leaf_id"]
        body = {"text": "青穗呢？", "parent_id": leaf}
        prompt = sent(events(http.post(f"{root}/messages", json=body).text))
    assert made["voice"][0] in prompt
    assert "嬛嬛和青穗在" in prompt, "the lorebook knows whom they know"


def test_the_data_set_has_the_prompt_of_the_card(data_dir: Path) -> None:
    made = told(SAMPLE, "--role", "嬛嬛", "--slug", "tingliu", "--turns", "2")
    data = load(data_dir / "datasets" / "persona-tingliu")
    assert made["rows"] == len(data.train) >= 200
    item = data.train[50]
    assert isinstance(item, Chat)
    assert made["voice"][0] in item.turns[0].text


def test_the_same_again_needs_replace_and_keeps_the_talks(data_dir: Path, small: Path) -> None:
    told(SAMPLE, "--role", "嬛嬛", "--slug", "tingliu")
    desk = make_desk(data_dir)
    with TestClient(create_app(desk)) as http:
        api = Client(http, desk)
        (persona,) = api.ok("GET", "/api/personas")
        api.ok("POST", "/api/conversations", json={"persona_id": persona["id"]})
        refused = run(small, "--role", "嬛嬛", "--slug", "tingliu")
        assert refused.exit_code == 1
        assert "--replace" in "".join(refused.stderr.split("\n"))
        told(small, "--role", "嬛嬛", "--slug", "tingliu", "--replace")
        (changed,) = api.ok("GET", "/api/personas")
        assert (changed["id"], changed["conversations"]) == (persona["id"], 1)
        assert changed["examples"] != persona["examples"]
        assert len(api.ok("GET", f"/api/personas/{persona['id']}/documents")) == 1


def test_a_served_model_drafts_the_card_and_it_is_said(small: Path) -> None:
    draft = {
        "summary": "渡口的女子。", "description": "{{char}}在渡口等船。", "personality": "沉着。",
        "scenario": "{{user}}来到渡口。", "first_message": "你也过江？",
    }  # fmt: skip
    with listening(Peer(lambda _: json.dumps(draft, ensure_ascii=False))) as url:
        made = told(small, "--role", "嬛嬛", "--slug", "dukou", "--url", url)
        assert (made["made_by"], made["why_no_model"]) == ("模型 first", None)
        card = json.loads((Path(made["folder"]) / "card.json").read_text("utf-8"))
        assert card["description"] == draft["description"]
        assert "模型 first 起草" in card["notes"]
        quoted = told(small, "--role", "嬛嬛", "--slug", "dukou", "--url", url, "--replace",
                      "--extractive")  # fmt: skip
    assert quoted["made_by"] == "剧本原文摘录"


def test_a_model_that_was_named_has_to_answer(small: Path) -> None:
    with listening(Peer(lambda _: "我不会写。")) as url:
        result = run(small, "--role", "嬛嬛", "--slug", "dukou", "--url", url)
    assert result.exit_code == 1
    assert "出错" in result.stderr


def test_what_cannot_be_built_is_told_before_anything_is_made(data_dir: Path, small: Path) -> None:
    assert "说话最多的是" in run(small, "--role", "皇上").stderr
    assert "小写字母" in run(small, "--role", "嬛嬛", "--slug", "嬛嬛").stderr
    assert "没有配方" in run(small, "--role", "嬛嬛", "--train", "无此配方").stderr
    assert not (data_dir / "personas").exists()
    assert not (data_dir / "datasets").exists()


def test_an_adapter_is_trained_published_and_written_on_the_card(
    data_dir: Path, small: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        f"name: other\nbase: {make_base(tmp_path / 'base')}\ndata: [nothing]\nsteps: 2\n"
        "batch: 1\naccumulate: 1\nlength: 1024\ndtype: fp32\nsave_every: 2\nevaluate_every: 2\n",
        "utf-8",
    )
    made = told(small, "--role", "嬛嬛", "--slug", "dukou", "--train", recipe)
    assert made["adapter"].startswith("dukou-v1-")
    assert (data_dir / "adapters" / made["adapter"]).is_dir()
    desk = make_desk(data_dir)
    with TestClient(create_app(desk)) as http:
        (persona,) = Client(http, desk).ok("GET", "/api/personas")
    assert persona["adapter"] == made["adapter"]
