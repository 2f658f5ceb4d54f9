"""What the server would refuse is told before training, and again of what came out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from tiny_adapters import trained
from transformers import AutoTokenizer

from training.errors import EngineUnreachable, MissingBase, NotServable
from training.findings import Finding, worst
from training.publishing import lora
from training.publishing.convert import servable
from training.publishing.identity import CONVERSATIONS, Tokenizing, compare
from training.publishing.preflight import adapter_parameters, before, inspect, linear_layers
from training.publishing.trial import findings, try_out
from training.tuning.config import Recipe
from training.tuning.template import ServedTemplate


def recipe(**tuning: Any) -> Recipe:
    return Recipe.parse({"name": "x", "base": "tiny", "data": ["d"], "tuning": tuning})


def about(found: list[Finding], key: str) -> Finding:
    return next(each for each in found if each.key == key)


@pytest.mark.parametrize(
    ("tuning", "key", "level", "words"),
    [
        ({"kind": "lora", "rank": 16}, "tuning.rank", "ok", "直接服务"),
        ({"kind": "rslora", "rank": 20}, "tuning.rank", "note", "以 32 服务"),
        ({"kind": "lora", "rank": 100}, "tuning.rank", "warn", "YANCHI_MAX_LORA_RANK=128"),
        ({"kind": "pissa", "rank": 32}, "tuning.rank", "ok", "秩 64（pissa 的秩 32 转换后加倍）"),
        ({"kind": "pissa", "rank": 64}, "tuning.rank", "warn", "=128"),
        ({"kind": "pissa", "rank": 300}, "tuning.rank", "stop", "秩 600"),
        ({"kind": "dora"}, "tuning.kind", "warn", "yanchi adapters merge"),
        ({"kind": "dora", "rank": 300}, "tuning.rank", "ok", "没有秩的限制"),
        ({"kind": "qlora"}, "tuning.kind", "note", "四比特"),
        ({"kind": "galore"}, "served_as", "note", "yanchi serve --model"),
        ({"targets": ["q_proj", "lm_head"]}, "tuning.targets", "stop", "lm_head 是词表"),
        ({"targets": ["q_proj", "query"]}, "tuning.targets", "stop", "没有叫 query"),
        ({"rank": 8}, "adapter_bytes", "ok", "0.0 MiB"),
    ],
)
def test_a_recipe_is_told_what_vllm_will_say(
    base: Path, tuning: dict[str, Any], key: str, level: str, words: str
) -> None:
    told = about(before(recipe(**tuning), base), key)
    assert told.level == level
    assert words in told.sentence
    assert told.to_json()["key"] == key


def test_advised_ranks_would_be_served(base: Path) -> None:
    assert about(before(recipe(kind="pissa", rank=300), base), "tuning.rank").advised == 256
    assert about(before(recipe(kind="pissa", rank=64), base), "tuning.rank").advised == 32
    assert about(before(recipe(rank=20), base), "tuning.rank").advised == 32


@pytest.mark.parametrize("kind", ["lora", "pissa"])
def test_the_size_that_is_told_is_the_size_that_comes_out(
    base: Path, tmp_path: Path, kind: str
) -> None:
    init = {"init_lora_weights": "pissa"} if kind == "pissa" else {}
    source = trained(base, tmp_path / "a", steps=1, **init)
    servable(source, tmp_path / "out", initial=source / "initial")
    numbers = sum(t.numel() for t in lora.read(tmp_path / "out").tensors.values())
    assert adapter_parameters(recipe(kind=kind, rank=4), base) == numbers
    assert len(linear_layers(base)) == 14


def test_a_base_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingBase):
        before(recipe(), tmp_path)


def spoiled(folder: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> Path:
    adapter = lora.read(folder)
    tensors = {name: change(name, tensor) for name, tensor in adapter.tensors.items()}
    lora.write(folder, lora.Adapter(adapter.config, tensors), "float32")
    return folder


def test_an_adapters_files_are_looked_at(base: Path, tmp_path: Path) -> None:
    good = trained(base, tmp_path / "good")
    assert worst(inspect(good)) == "ok"
    assert about(inspect(good, max_rank=2), "vllm").level == "stop"
    half = trained(base, tmp_path / "half")
    spoiled(half, lambda name, t: t * 0 if "layers.0" in name and "lora_B" in name else t)
    assert "14 层里有 7 层没有变化" in about(inspect(half), "learned").sentence
    spoiled(half, lambda name, t: t * 0 if "lora_B" in name else t)
    assert about(inspect(half), "learned").level == "stop"
    spoiled(half, lambda name, t: t + float("nan") if "layers.1.mlp.up" in name else t)
    assert "up_proj" in about(inspect(half), "finite").sentence
    assert about(inspect(tmp_path), "files").level == "stop"
    assert worst([]) == "ok"


def test_a_trial_shows_base_and_adapter_apart(base: Path, tmp_path: Path) -> None:
    good = trained(base, tmp_path / "good", steps=8)
    told = try_out(good, base, ("你是谁？", "雨停了。"), tokens=12, dtype="float32")
    assert told.finite
    assert told.difference > 0
    assert [each.prompt for each in told.samples] == ["你是谁？", "雨停了。"]
    assert any(each.base != each.adapted for each in told.samples)
    assert findings(told)[0].level == "ok"


def test_a_trial_finds_what_changes_nothing_or_breaks(base: Path, tmp_path: Path) -> None:
    empty = trained(base, tmp_path / "a", steps=1)
    spoiled(empty, lambda name, t: t * 1e-6 if "lora_B" in name else t)
    told = try_out(empty, base, ("你好",), tokens=4, dtype="float32")
    assert findings(told)[0].level == "warn"
    spoiled(empty, lambda name, t: t * 0 if "lora_B" in name else t)
    told = try_out(empty, base, ("你好",), tokens=4, dtype="float32")
    assert (told.difference, findings(told)[0].level) == (0.0, "stop")
    spoiled(empty, lambda name, t: t + float("inf") if "lora_B" in name else t)
    told = try_out(empty, base, ("你好",), tokens=4, dtype="float32")
    assert findings(told)[0].level == "stop"


def test_a_trial_on_another_base_is_refused(base: Path, tmp_path: Path) -> None:
    adapter = trained(base, tmp_path / "a")
    config = json.loads((adapter / "adapter_config.json").read_text()) | {"r": 7}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(NotServable, match="PEFT"):
        try_out(adapter, base, ("你好",), dtype="float32")


# Token-identical prompts


@pytest.fixture
def template(base: Path) -> ServedTemplate:
    return ServedTemplate(AutoTokenizer.from_pretrained(base))


def engine(answer: Callable[[dict[str, Any]], httpx.Response]) -> Tokenizing:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/tokenize"
        return answer(json.loads(request.content))

    client = httpx.Client(base_url="http://engine", transport=httpx.MockTransport(handle))
    return Tokenizing(client, "tiny")


def test_the_same_template_makes_the_same_tokens(template: ServedTemplate) -> None:
    asked = []

    def answer(question: dict[str, Any]) -> httpx.Response:
        asked.append(question)
        return httpx.Response(200, json={"tokens": template.prompt(question["messages"])})

    more = [{"role": "user", "content": "再问一句"}]
    told = compare(template, engine(answer), [more])
    assert (told.level, told.value) == ("ok", len(CONVERSATIONS) + 1)
    assert asked[-1] == {
        "model": "tiny",
        "messages": more,
        "add_generation_prompt": True,
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_another_template_is_found_where_it_begins_to_differ(template: ServedTemplate) -> None:
    def answer(question: dict[str, Any]) -> httpx.Response:
        system = [{"role": "system", "content": "You are Qwen."}]
        messages = question["messages"]
        has_own = messages[0]["role"] == "system"
        tokens = template.prompt(messages if has_own else system + messages)
        return httpx.Response(200, json={"tokens": tokens})

    told = compare(template, engine(answer))
    assert told.level == "stop"
    assert "第 1 段对话从第 2 个词元起不同" in told.sentence


def test_an_engine_that_cannot_be_asked(template: ServedTemplate) -> None:
    assert compare(template, engine(lambda _: httpx.Response(404))).level == "note"
    for broken in (httpx.Response(500), httpx.Response(200, text="?")):
        with pytest.raises(EngineUnreachable):
            compare(template, engine(lambda _, broken=broken: broken))


def test_a_job_of_the_desk_knows_its_engine() -> None:
    assert Tokenizing.known("", {}) is None
    told = {"YANCHI_SERVED_URL": "http://engine/v1", "YANCHI_SERVED_KEY": "k"}
    found = Tokenizing.known("", told)
    assert found is not None
    assert str(found._http.base_url) == "http://engine"
    assert found._http.headers["authorization"] == "Bearer k"
    named = Tokenizing.known("http://other/v1", told)
    assert named is not None
    assert "authorization" not in named._http.headers
