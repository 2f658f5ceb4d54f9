"""Making data sets over HTTP: typed options to a command's words, texts to its files."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from conftest import Client, make_desk
from starlette.testclient import TestClient

from server.app import create_app
from server.jobs import child
from server.routes import recipes
from tests.engine.tiny_qwen import make_model
from training.commands import scripts

PLAY = "甄嬛：臣妾参见皇上。\n皇上：起来吧。\n甄嬛：谢皇上。\n"


@pytest.fixture
def idle(tmp_path: Path) -> Client:
    """A desk whose background does not run: what is queued stays queued."""
    desk = make_desk(tmp_path / "desk")
    return Client(TestClient(create_app(desk), raise_server_exceptions=False), desk)


def uploaded(idle: Client, text: str = PLAY, name: str = "戏.txt") -> str:
    told = idle.ok("POST", "/api/datasets/uploads", files={"file": (name, text.encode())})
    return str(told["id"])


def args_of(idle: Client, **wanted: Any) -> list[str]:
    job = idle.ok("POST", "/api/datasets", json=wanted)
    return list(idle.desk.jobs.get(job["id"]).args)


def command(name: str) -> typer.core.TyperCommand:
    app = typer.Typer()
    for function in scripts.commands:
        app.command(function.__name__)(function)
    found = typer.main.get_group(app).commands[name]
    assert isinstance(found, typer.core.TyperCommand)
    return found


SCRIPT = {
    "role": "甄嬛", "turns": "all", "alias": ["甄嬛=莞贵人,熹贵妃"], "guess": True,
    "names": "never", "directions": False, "events": False, "opening": "skip",
    "whole_scenes": True, "system": "--json\n你是{role}。", "together": "script",
}  # fmt: skip
NOVEL = {
    "task": ["续写", "扩写"], "length": 300, "before": 400, "across": True,
    "format": "joined", "shortest": 20, "system": "写。",
}  # fmt: skip
SELF = {
    "role": "--role", "description": "一个人。", "count": 3, "seed": 2, "maker": "我", "system": "答",
}  # fmt: skip


@pytest.mark.parametrize(
    ("maker", "options"), [("script", SCRIPT), ("novel", NOVEL), ("selfknowledge", SELF)]
)
def test_what_is_asked_is_what_the_command_understands(
    idle: Client, maker: str, options: dict[str, Any]
) -> None:
    texts = {} if maker == "selfknowledge" else {"uploads": [uploaded(idle)]}
    args = args_of(idle, maker=maker, name="甄嬛", replace=True, options=options, **texts)
    assert args[:2] == ["data", maker]
    understood = command(maker).make_context(maker, args[2:]).params
    for key, value in options.items():
        assert understood[key] == value, key
    assert understood["name"] == "甄嬛"
    assert all(understood[key] for key in ("replace", "as_json", "progress_json"))


@pytest.mark.parametrize(("maker", "options"), [("script", {"role": "甄嬛"}), ("novel", {})])
def test_what_is_not_said_stays_as_the_command_has_it(
    idle: Client, maker: str, options: dict[str, Any]
) -> None:
    args = args_of(idle, maker=maker, name="a", options=options, uploads=[uploaded(idle)])
    understood = command(maker).make_context(maker, args[2:]).params
    function = {each.__name__: each for each in scripts.commands}[maker]
    for key, parameter in inspect.signature(function).parameters.items():
        if key not in ("files", "role", "name", "as_json", "progress_json"):
            told = understood[key]
            default = parameter.default
            assert (list(told) if isinstance(told, tuple) else told) == default, key


def test_what_no_maker_knows_is_refused(idle: Client) -> None:
    upload = uploaded(idle)
    for wrong in (
        {"maker": "script", "options": {"role": "甄嬛", "data_dir": "/etc"}},
        {"maker": "script", "options": {"role": "甄嬛", "turns": "--replace"}},
        {"maker": "script", "options": {"role": "甄\x00嬛"}},
        {"maker": "chunks", "options": {}},
        {"maker": "novel", "options": {"task": ["搜寻"]}},
        {"maker": "novel", "options": {}, "name": "../x"},
    ):
        body = {"name": "a", "uploads": [upload], **wrong}
        idle.refused(422, "invalid_request", "POST", "/api/datasets", json=body)
    gone = {"maker": "novel", "name": "a", "uploads": ["0" * 16]}
    idle.refused(404, "upload_not_found", "POST", "/api/datasets", json=gone)
    bare = {"maker": "novel", "name": "a"}
    idle.refused(422, "invalid_request", "POST", "/api/datasets", json=bare)
    assert idle.desk.jobs.all() == []


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(idle: Client) -> None:
    (idle.desk.settings.data_dir / "datasets" / "letters").mkdir(parents=True)
    wanted = {"maker": "novel", "name": "letters", "uploads": [uploaded(idle)]}
    idle.refused(409, "conflict", "POST", "/api/datasets", json=wanted)
    idle.ok("POST", "/api/datasets", json={**wanted, "replace": True})


def test_a_work_of_the_desk_goes_in_as_a_text_with_its_headings(api: Client) -> None:
    work, _ = api.book()
    job = api.ok("POST", "/api/datasets", json={"maker": "novel", "name": "a", "work_id": work})
    path = Path(api.desk.jobs.get(job["id"]).args[2])
    assert path.parent == api.desk.jobs.folder(job["id"]).input.absolute()
    text = path.read_text("utf-8")
    assert "第一章　雨夜" in text
    assert "说水大，不渡。" in text


def test_an_upload_is_told_by_what_it_holds(idle: Client) -> None:
    path = f"/api/datasets/uploads/{uploaded(idle)}"
    told = idle.ok("GET", path)
    assert (told["format"], told["encoding"]) == ("txt", "utf-8")
    assert told["characters"] == len(PLAY.replace("\n", ""))
    told = idle.ok("GET", f"/api/datasets/uploads/{uploaded(idle, '{}', 'rows.jsonl')}")
    assert (told["format"], told["characters"]) == ("jsonl", None)
    idle.refused(404, "upload_not_found", "GET", f"/api/datasets/uploads/{'0' * 16}")


def test_who_speaks_is_asked_of_the_command(idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a process, with its refusals handed on."""
    program = (
        sys.executable, "-c",
        "import sys, typer; from training.commands import scripts\n"
        "app = typer.Typer()\n[app.command(f.__name__)(f) for f in scripts.commands]\n"
        "sys.argv.pop(1); app()",
    )  # fmt: skip
    assert subprocess.run([*program, "data", "--help"], capture_output=True, check=True).stdout
    monkeypatch.setattr(child, "YANCHI", program)
    told = idle.ok("GET", f"/api/datasets/uploads/{uploaded(idle)}/roles")
    assert {each["name"]: each["speeches"] for each in told["speakers"]} == {"甄嬛": 2, "皇上": 1}
    broken = uploaded(idle, "", "空.txt")
    idle.refused(422, "unreadable_file", "GET", f"/api/datasets/uploads/{broken}/roles")


def test_the_sample_play_is_an_upload_like_others(idle: Client) -> None:
    told = idle.ok("POST", "/api/datasets/uploads/sample")
    assert idle.ok("GET", f"/api/datasets/uploads/{told['id']}")["characters"] > 1000


def test_models_that_can_be_tuned_are_whole_ones(idle: Client) -> None:
    root = idle.desk.settings.weights_dir
    make_model(root / "tiny")
    (root / "half").mkdir()
    assert idle.ok("GET", "/api/bases") == [{"name": "tiny", "served": False}]


def test_shipped_recipes_are_told(
    idle: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, "length": 64}))
    monkeypatch.setattr(recipes, "RECIPES", tmp_path)
    told = idle.ok("GET", "/api/recipes")
    assert json.dumps(told) == json.dumps(
        [{"name": n, "recipe": {"length": 64, "name": n}} for n in ("a", "b")]
    )
