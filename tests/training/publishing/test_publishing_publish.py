"""From a trained adapter to a version on the shelf that the desk serves."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from starlette.testclient import TestClient
from tiny_adapters import as_trained, logits, trained, with_adapter

from server.app import create_app
from server.desk import embeddings_for, open_desk
from server.engines.scripted import ScriptedEngine
from server.settings import Settings
from training.errors import BadInput, EngineUnreachable, MissingBase, NotServable
from training.publishing import lora
from training.publishing.desk import Desk, find_desk
from training.publishing.identity import Tokenizing
from training.publishing.lineage import DataUsed, trace
from training.publishing.publish import Checks, Draft, draft_of_run
from training.publishing.publish import publish as publish_checked
from training.publishing.shelf import Published, Shelf

RECIPE = {"name": "huanhuan", "method": "sft", "system": "text: 你是嬛嬛。", "learning_rate": 1e-4,
          "tuning": {"kind": "lora"}}  # fmt: skip
JUDGED = {"data": "甄嬛", "cases": 24,
          "outcomes": [{"code": "p", "verdict": "better", "sentence": "困惑度从 9 到 7"}]}  # fmt: skip
DATA = (DataUsed("甄嬛", "cd" * 32, 312),)


QUICK = Checks(prompts=())


def publish(draft: Draft, shelf: Shelf, base: Path, checks: Checks = QUICK) -> Published:
    """Without loading the base, which only the tests of that need."""
    return publish_checked(draft, shelf, base, checks)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "data" / "adapters")


@pytest.fixture
def draft(base: Path, tmp_path: Path) -> Draft:
    source = trained(base, tmp_path / "trained", steps=12)
    lineage = trace(base, data=DATA, recipe=RECIPE, run="20261121-1a2b")
    return Draft(source, "huanhuan", lineage, title="嬛嬛", judged=JUDGED)


def test_a_version_holds_all_that_is_known_of_it(draft: Draft, shelf: Shelf, base: Path) -> None:
    told = publish(draft, shelf, base)
    assert sorted(path.name for path in told.folder.iterdir()) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "yanchi.json"
    ]  # fmt: skip
    record = told.record
    assert (record["format"], record["name"], record["version"]) == (1, "huanhuan", 1)
    assert record["base"]["sha256"] == draft.lineage.base.sha256
    assert record["template"] == draft.lineage.template
    assert record["data"] == [{"name": "甄嬛", "digest": "cd" * 32, "rows": 312}]
    assert (record["recipe"], record["run"]) == (RECIPE, "20261121-1a2b")
    assert (record["rank"], record["served_rank"]) == (4, 8)
    assert "q_proj" in record["target_modules"]
    difference = (logits(with_adapter(base, told.folder)) - as_trained(draft.source)).abs().max()
    assert float(difference) < 1e-2


def test_the_card_says_how_to_call_it(draft: Draft, shelf: Shelf, base: Path) -> None:
    told = publish(draft, shelf, base)
    card = (told.folder / "README.md").read_text("utf-8")
    assert card.startswith("# 嬛嬛\n")
    for words in (f'{{"name": "{told.folder.name}"}}', "--max-lora-rank 8", "OpenAI(", "curl",
                  "你是嬛嬛。", "甄嬛：312 条", "更好：困惑度从 9 到 7", "学习率 0.0001"):  # fmt: skip
        assert words in card
    assert str(shelf.root.parent) not in card + json.dumps(told.record)


def test_no_place_of_this_machine_is_given_away(
    draft: Draft, shelf: Shelf, base: Path, tmp_path: Path
) -> None:
    places = {
        "base": str(base), "held_out": str(tmp_path / "sets" / "书"), "continue_from": None,
        "data": [{"path": str(tmp_path / "sets" / "甄嬛"), "weight": 2.0}],
    }  # fmt: skip
    told = publish(replace(draft, lineage=trace(base, recipe=RECIPE | places)), shelf, base)
    assert told.record["recipe"]["base"] == base.name
    assert told.record["recipe"]["data"] == [{"path": "甄嬛", "weight": 2.0}]
    assert told.record["recipe"]["held_out"] == "书"
    for file in told.folder.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()
        assert str(base.parent).encode() not in file.read_bytes()


def test_base_and_adapter_are_shown_side_by_side(draft: Draft, shelf: Shelf, base: Path) -> None:
    told = publish(draft, shelf, base, Checks(prompts=("你是|谁？",)))
    assert told.record["checks"][0]["key"] == "trial"
    sample = told.record["samples"][0]
    assert sample["prompt"] == "你是|谁？"
    assert sample["base"] != sample["adapted"]
    assert "| 你是\\|谁？ |" in (told.folder / "README.md").read_text("utf-8")


def test_an_engine_with_another_template_stops_the_publishing(
    draft: Draft, shelf: Shelf, base: Path
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"tokens": [1, 2, 3]}))
    engine = Tokenizing(httpx.Client(base_url="http://engine", transport=transport), "tiny")
    with pytest.raises(NotServable, match="训练与服务的提示不一样"):
        publish(draft, shelf, base, Checks(prompts=(), engine=engine))
    assert shelf.all() == []


def test_the_same_again_is_the_same_version(draft: Draft, shelf: Shelf, base: Path) -> None:
    first = publish(draft, shelf, base)
    adapter = lora.read(draft.source)
    changed = {k: t + 0.1 if "lora_B" in k else t for k, t in adapter.tensors.items()}
    lora.write(draft.source, lora.Adapter(adapter.config, changed), "float32")
    second = publish(draft, shelf, base)
    assert (second.version, shelf.current("huanhuan")) == (2, second)
    lora.write(draft.source, adapter, "float32")
    assert publish(draft, shelf, base) == first
    assert shelf.current("huanhuan") == first
    assert len(shelf.all()) == 2
    assert not list(shelf.root.glob(".partial-*"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda name, t: t * 0 if "lora_B" in name else t, "什么也没有学到"),
        (lambda name, t: t / 0 if "layers.1.mlp" in name else t, "不是数的值"),
    ],
    ids=["nothing learned", "not a number"],
)
def test_what_is_broken_is_not_published(
    draft: Draft, shelf: Shelf, base: Path, spoil: Any, words: str
) -> None:
    adapter = lora.read(draft.source)
    broken = {name: spoil(name, tensor) for name, tensor in adapter.tensors.items()}
    lora.write(draft.source, lora.Adapter(adapter.config, broken), "float32")
    with pytest.raises(NotServable, match=words):
        publish(draft, shelf, base)
    assert shelf.all() == []


def test_a_wrong_base_is_refused_before_anything_is_written(
    draft: Draft, shelf: Shelf, base: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in base.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "config.json").write_text(
        (base / "config.json")
        .read_text()
        .replace('"num_hidden_layers": 2', '"num_hidden_layers": 3')
    )
    with pytest.raises(MissingBase, match="结构不同"):
        publish(draft, shelf, other)
    assert not shelf.root.exists()


def test_a_run_is_published_under_its_recipes_name(
    draft: Draft, shelf: Shelf, base: Path, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "20261121-9f"
    run.mkdir(parents=True)
    with pytest.raises(BadInput, match=r"lineage\.json"):
        draft_of_run(run)
    draft.lineage.write(run)
    with pytest.raises(NotServable, match="没有留下适配器"):
        draft_of_run(run)
    draft.source.rename(run / "adapter")
    told = publish(draft_of_run(run, title="嬛嬛"), shelf, base)
    assert (told.name, told.title, told.version) == ("huanhuan", "嬛嬛", 1)


def test_a_step_of_a_run_is_published_from_its_checkpoint(
    draft: Draft, shelf: Shelf, base: Path, tmp_path: Path
) -> None:
    """Checkpoints of PiSSA are as they were trained: its start lies beside them."""
    run = tmp_path / "runs" / "20261121-9f"
    (run / "checkpoints").mkdir(parents=True)
    draft.lineage.write(run)
    raw = trained(base, run / "checkpoints" / "step-4", init_lora_weights="pissa_niter_4")
    (raw / "initial").rename(run / "initial_adapter")
    with pytest.raises(NotServable, match="没有留下适配器"):
        draft_of_run(run)
    with pytest.raises(BadInput, match="没有第 5 步的存档；有：4"):
        draft_of_run(run, step=5)
    told = publish(draft_of_run(run, step=4), shelf, base)
    assert told.record["rank"] == 8
    assert float((logits(with_adapter(base, told.folder)) - as_trained(raw)).abs().max()) < 0.05


# The desk that is running


@pytest.fixture
def http(shelf: Shelf) -> Iterator[TestClient]:
    settings = Settings(data_dir=shelf.root.parent, sample=False)
    desk = open_desk(
        settings, ScriptedEngine(), prompt_tokens=4000, embeddings=embeddings_for(settings)
    )
    with TestClient(create_app(desk), raise_server_exceptions=False) as client:
        yield client


def test_the_running_desk_serves_it_at_once(
    draft: Draft, shelf: Shelf, base: Path, http: TestClient
) -> None:
    told = publish(draft, shelf, base)
    desk = Desk(http)
    desk.load(told.folder.name)
    assert desk.loaded() == [told.folder.name]
    assert http.get("/api/health").status_code == 200
    desk.unload(told.folder.name)
    desk.unload(told.folder.name)  # what is not there needs no unloading
    assert desk.loaded() == []


def test_what_the_desk_refuses_is_told_in_its_words(http: TestClient) -> None:
    with pytest.raises(NotServable, match="没有“nobody-v1-00000000”"):
        Desk(http).load("nobody-v1-00000000")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, '{"error": {"message": "引擎还在启动。", "retryable": true}}', EngineUnreachable),
        (502, "Bad Gateway", EngineUnreachable),
        (400, '{"error": {"message": "不能载入。", "retryable": false}}', NotServable),
        (404, "[]", NotServable),
    ],
)
def test_every_refusal_is_one_of_ours(status: int, body: str, error: type[Exception]) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    client = httpx.Client(base_url="http://desk", transport=transport)
    with Desk(client) as desk, pytest.raises(error):
        desk.load("x")


def test_a_desk_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Desk.at("http://127.0.0.1:9") as desk, pytest.raises(EngineUnreachable, match="连不上"):
        desk.load("x")
    assert find_desk(tmp_path) is None
    (tmp_path / "desk.json").write_text('{"address": "http://127.0.0.1:9", "pid": 1}')
    assert find_desk(tmp_path) is None


def test_numbers_of_a_trained_adapter_are_not_all_alike(draft: Draft) -> None:
    """The fixtures' own premise: the adapters that are published here have learned something."""
    tensors = lora.read(draft.source).tensors
    assert all(bool(torch.any(t)) for name, t in tensors.items() if "lora_B" in name)
