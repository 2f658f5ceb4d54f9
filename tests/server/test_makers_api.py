"""Making data sets over HTTP: typed options to a command's words, texts to its files."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from conftest import Client, make_desk
from starlette.testclient import TestClient

import yanchi
from server.app import create_app
from server.routes import recipes
from tests.engine.tiny_qwen import make_model

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
    found = yanchi.verb("data").commands[name]
    assert isinstance(found, typer.core.TyperCommand)
    return found


def by_flags(told: typer.core.TyperCommand, args: list[str]) -> dict[str, Any]:
    values = told.make_context("", args).params
    return {each.opts[0].removeprefix("--"): values[str(each.name)] for each in told.params}


def dataset(idle: Client, name: str) -> str:
    folder = idle.desk.settings.data_dir / "datasets" / name
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text("{}")
    return name


SCRIPT = {
    "role": "甄嬛", "turns": "all", "alias": ["甄嬛=莞贵人,熹贵妃"], "guess": True,
    "names": "never", "directions": False, "events": False, "opening": "skip",
    "whole_scenes": True, "system": "--json\n你是{role}。", "together": "script",
}  # fmt: skip
NOVEL = {
    "task": ["续写", "开篇", "扩写"], "length": 300, "before": 400, "across": True,
    "format": "joined", "shortest": 20, "system": "写。",
}  # fmt: skip
SELF = {
    "role": "--role", "description": "一个人。", "count": 3, "seed": 2, "maker": "我", "system": "答",
}  # fmt: skip


DIALOGUE = {"role": "甄嬛", "turns": 2, "alias": ["甄嬛=莞贵人"], "system": "答。", "length": 300}
CONTEXT = {
    "base": "/m", "limit": 1024, "found": 0.5, "distracted": 0.25, "empty": 0.25, "length": 300,
    "shortest": 20, "seed": 3,
}  # fmt: skip


FULL: dict[str, dict[str, Any]] = {
    "dialogue": DIALOGUE, "qa": {"closed": True, "length": 300}, "context": CONTEXT,
    "augment": {"count": 3, "seed": 2, "similar": 0.25},
    "script": SCRIPT, "novel": NOVEL, "selfknowledge": SELF,
    "preferences": {"method": "kto", "work": ["a" * 32, "b" * 32]},
    "import": {"format": "sharegpt", "instruction": "system", "work": "夜航"},
    "clean": {"keyword": ["--spam", "求票"], "spam": False, "damage": False},
    "dedupe": {"threshold": 0.5, "near": False},
    "split": {"fraction": 0.25, "by": "item", "seed": 7},
    "mix": {"by": "share", "rows": 9, "seed": 7},
}  # fmt: skip
BARE: dict[str, dict[str, Any]] = {**{key: {} for key in FULL}, "script": {"role": "甄嬛"},
        "dialogue": {"role": "甄嬛"}, "selfknowledge": {"role": "甄嬛", "description": "人"}}  # fmt: skip


def of(idle: Client, maker: str) -> dict[str, Any]:
    """What a maker makes its data set of."""
    if maker == "mix":
        parts = [(dataset(idle, "悟空"), 2), (dataset(idle, "b"), 0.5)]
        return {"parts": [{"name": name, "weight": weight} for name, weight in parts]}
    if maker in ("clean", "dedupe", "split"):
        return {"data": dataset(idle, "letters")}
    return {} if maker in ("selfknowledge", "preferences") else {"uploads": [uploaded(idle)]}


@pytest.mark.parametrize("maker", FULL)
def test_what_is_asked_is_what_the_command_understands(idle: Client, maker: str) -> None:
    wanted = {"maker": maker, "name": "甄嬛", "replace": True, "options": FULL[maker]}
    args = args_of(idle, **wanted, **of(idle, maker))
    assert args[:2] == ["data", maker]
    understood = by_flags(command(maker), args[2:])
    always = {"name": "甄嬛", "replace": True, "json": True, "progress-json": True}
    wished = {key.replace("_", "-"): value for key, value in FULL[maker].items()}
    assert {**understood, **always, **wished} == understood


@pytest.mark.parametrize("maker", BARE)
def test_what_is_not_said_stays_as_the_command_has_it(idle: Client, maker: str) -> None:
    args = args_of(idle, maker=maker, name="a", options=BARE[maker], **of(idle, maker))
    told = command(maker)
    understood = by_flags(told, args[2:])
    least = [*args[2 : 2 + args[2:].index("--name=a")], "--name=a"]
    least += [f"--{key}={value}" for key, value in BARE[maker].items()]
    usual = by_flags(told, least)
    assert understood == {**usual, "json": True, "progress-json": True}


def test_sets_go_in_by_name_and_weight(idle: Client) -> None:
    assert args_of(idle, maker="mix", name="a", **of(idle, "mix"))[2:4] == ["悟空:2", "b:0.5"]
    split = {"maker": "split", "name": "letters", "replace": True}
    assert args_of(idle, **split, **of(idle, "split"))[2] == "letters"
    gone = {"maker": "split", "name": "c", "data": "gone"}
    idle.refused(404, "no_dataset", "POST", "/api/datasets", json=gone)


def test_summaries_are_made_by_name_and_taken_by_name(idle: Client) -> None:
    upload = {"uploads": [uploaded(idle)]}
    novel = {"maker": "novel", "name": "a", "options": {"task": ["按梗概写"], "made": "夜航"}}
    idle.refused(404, "no_summaries", "POST", "/api/datasets", json={**novel, **upload})
    wanted = {"maker": "summaries", "name": "夜航", "options": {"draft": True, "length": 300}}
    args = args_of(idle, **wanted, **upload)
    understood = by_flags(command("summaries"), args[2:])
    path = idle.desk.settings.data_dir.absolute() / "summaries" / "夜航.jsonl"
    assert (understood["to"], understood["draft"], understood["length"]) == (path, True, 300)
    path.parent.mkdir()
    path.write_text(
        '{"id": "a", "summary": "雨。", "draft": "下雨。"}\n{"id": "b", "draft": "x"}\n'
    )
    told = idle.ok("GET", "/api/datasets/summaries/all")
    assert told == [{"name": "夜航", "summaries": 1, "drafts": 2}]
    assert by_flags(command("novel"), args_of(idle, **novel, **upload)[2:])["made"] == path
    context = {"maker": "context", "name": "b", "options": {"made": "夜航"}}
    assert by_flags(command("context"), args_of(idle, **context, **upload)[2:])["made"] == path
    # The same name again goes on with what is there.
    assert by_flags(command("summaries"), args_of(idle, **wanted, **upload)[2:])["to"] == path


@pytest.mark.parametrize(
    ("maker", "options"),
    [
        ("summaries", {"draft": True, "length": 300}),
        ("dialogue", {"length": 300}),
        ("qa", {"length": 300}),
        ("augment", {"seed": 7}),
    ],
)
def test_ways_of_asking_are_tried_by_name_or_as_they_are_written(
    idle: Client, maker: str, options: dict[str, Any]
) -> None:
    own = {"name": "我的问法", "template": "--url=x {{ text }}"}
    body = {"maker": maker, "uploads": [uploaded(idle)], "options": options, "sample": 2}
    job = idle.ok("POST", "/api/datasets/trials", json={**body, "variants": [{"name": "甲"}, own]})
    args = list(idle.desk.jobs.get(job["id"]).args)
    understood = by_flags(command(maker), args[2:])
    assert {**understood, **options, "sample": 2, "json": True} == understood
    path = idle.desk.jobs.folder(job["id"]).input.absolute() / "我的问法.jinja"
    assert understood["variant"] == ["甲", str(path)]
    assert path.read_text("utf-8") == own["template"]
    for wrong in ("/etc/passwd", "../a", "a.b", ""):
        told = {**body, "variants": [{"name": wrong, "template": ""}]}
        idle.refused(422, "invalid_request", "POST", "/api/datasets/trials", json=told)


def test_the_way_of_asking_that_was_chosen_makes_the_whole(idle: Client) -> None:
    wanted = {"maker": "qa", "name": "a", "variant": {"name": "甲"}, **of(idle, "qa")}
    assert by_flags(command("qa"), args_of(idle, **wanted)[2:])["variant"] == ["甲"]


def test_what_asks_the_served_model_says_so_where_none_is(api: Client) -> None:
    """The scripted engine has no endpoint: the job ends with the reason's code."""
    body = {"maker": "qa", "uploads": [uploaded(api)], "sample": 1}
    job = api.ok("POST", "/api/datasets/trials", json=body)["id"]
    told = [
        json.loads(line.removeprefix("data: "))
        for line in api.http.get(f"/api/jobs/{job}/events").text.splitlines()
        if line.startswith("data: ")
    ]
    assert told[-1]["state"] == "failed"
    assert told[-1]["error"]["code"] == "engine_unreachable"


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


def test_who_speaks_is_asked_of_the_command(idle: Client) -> None:
    """Through a process, with its refusals handed on."""
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
    make_model(root / "owner--small")
    (root / "owner--small" / "manifest.json").write_text('{"name": "owner/small"}')
    (root / "half").mkdir()
    assert idle.ok("GET", "/api/bases") == [
        {"name": "owner/small", "served": False},
        {"name": str((root / "tiny").absolute()), "served": False},
    ]


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
